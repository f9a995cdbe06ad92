"""What the API is sent, a module for each noun.

Apart from the answers, since a request holds whole experiments and remedies: who only reads answers, as the client and
the terminal do, does not load the catalogue of layers, optimizers and data sets.
"""
