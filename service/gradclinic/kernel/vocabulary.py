"""The words that results are stated in, shared by the packages that compute them, the API and its clients.

They are defined here so that a client can read an answer without loading the rules and statistics behind it.
"""

from typing import Annotated, Literal

from pydantic import BeforeValidator

Severity = Literal["info", "warning", "critical"]
"""How severe a finding is."""
Blame = Literal[
    "input_scaling", "target_scaling", "labels", "data", "loss", "output_activation", "hidden_activation",
    "architecture", "normalization", "initialization", "learning_rate", "schedule", "optimizer", "regularization",
    "clipping", "batch_size", "steps", "precision", "wiring",
]  # fmt: skip
"""The parts of a training that a finding can hold responsible."""
ArmVerdict = Literal["cures", "improves", "no_effect", "harms", "inconclusive"]
"""The effect of an arm on the network."""
PairedBy = Literal["seed", "order"]
"""How runs of an arm are paired with runs of the baseline."""
CheckVerdict = Literal["pass", "fail", "inconclusive"]
"""Whether a new result is within the margins of the baseline."""
ClaimVerdict = Literal["supported", "refuted", "mixed", "inconclusive"]
"""The outcome of testing a claim."""
SearchRound = Literal["diagnose", "screen", "improve", "race", "confirm"]
"""Rounds of the search for a cure, in order."""
SearchEnding = Literal["healthy", "cured", "not_cured", "untrainable"]
"""How the search for a cure ended."""
AlertKind = Literal[
    "check.failed", "check.recovered", "schedule.missed", "schedule.recovered", "runs.failing", "runs.recovered",
    "queue.waiting", "queue.recovered", "workers.gone", "workers.recovered", "recording.sick", "webhook.test",
]  # fmt: skip
"""What an alert is about. All but the last two are changes of a state."""
WebhookFormat = Literal["standard", "slack"]
"""The form in which a webhook gets alerts: signed JSON (Standard Webhooks), or the text of a message in Slack."""
DeliveryStatus = Literal["pending", "delivered", "lost"]
"""Whether a webhook has got an alert; one that is lost is not tried again by itself."""


def _today(unit: object) -> object:
    return "orders of magnitude" if unit == "decades" else unit


Unit = Annotated[str, BeforeValidator(_today)]
"""The unit of a measured number. Documents of earlier versions have "decades" for orders of magnitude."""


def metric_in_words(name: str) -> str:
    """A metric as people call it, for example the validation loss for `final_validation_loss`."""
    return name.removeprefix("final_").replace("train_", "training_").replace("_", " ")
