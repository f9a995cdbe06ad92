"""A run's diagnosis, as it is returned."""

from .base import Answer, Json


class DiagnosisAnswer(Answer):
    """What is wrong with a run's network, where, since when, and how sure."""

    run_id: str
    primary: str
    rule_set: str
    findings: list[Json]
    provisional: bool
    """Whether the run goes on, so that the diagnosis may change."""
