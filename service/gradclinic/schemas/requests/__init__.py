"""Requests of the API, one module per resource.

They are separate from the responses because they contain experiments and remedies: the client and the terminal only
read responses, and do not need to load the catalogue of layers, optimizers and data sets.
"""
