"""The words that results are given in: the rooms that reach them, the API and its clients share them.

They stand here so that a client which reads an answer need not load the rules and statistics that made it.
"""

from typing import Literal

Severity = Literal["info", "warning", "critical"]
"""How bad a finding is."""
Blame = Literal[
    "input_scaling", "target_scaling", "labels", "data", "loss", "output_activation", "hidden_activation",
    "architecture", "normalization", "initialization", "learning_rate", "schedule", "optimizer", "regularization",
    "clipping", "batch_size", "steps", "precision", "wiring",
]  # fmt: skip
"""The parts of a training that a finding can hold responsible."""
ArmVerdict = Literal["cures", "improves", "no_effect", "harms", "inconclusive"]
"""What an arm did to the network."""
PairedBy = Literal["seed", "order"]
"""What joins a run of an arm to one of the baseline's."""
CheckVerdict = Literal["pass", "fail", "inconclusive"]
"""Whether a new result is no worse than its margins allow."""
ClaimVerdict = Literal["supported", "refuted", "mixed", "inconclusive"]
"""What the trainings of a claim say of it."""
SearchRound = Literal["diagnose", "screen", "improve", "race", "confirm"]
"""Rounds of the search for a cure, in order."""
SearchEnding = Literal["healthy", "cured", "not_cured", "untrainable"]
"""How the search for a cure ended."""
