"""The arm that every study has."""

BASELINE = "baseline"
"""The experiment as it is: what the other arms are compared with."""
