"""The arms that have a name of their own."""

BASELINE = "baseline"
"""The experiment as it is: what the other arms are compared with."""
CONTROL = "random control"
"""A remedy drawn by chance: a remedy that cures does better."""
