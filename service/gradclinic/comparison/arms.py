"""The names of arms with a special meaning."""

BASELINE = "baseline"
"""The experiment without changes; the other arms are compared with it."""
CONTROL = "random control"
"""An arm with a random remedy; a real cure must do better."""
