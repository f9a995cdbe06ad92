"""Diagnoses: what is asked, and what is answered."""

from pydantic import ConfigDict, Field

from ..kernel.names import LabelKey, Name
from ..kernel.spec import Spec
from .base import Answer, Json


class DiagnosisRequest(Spec):
    """How to judge a run's stored statistics again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"thresholds": {"depth_slope": 2.0}}]})

    rule_set: Name | None = None
    """Which rules judge; null is the present set."""
    thresholds: dict[LabelKey, float] = Field(default_factory=dict)
    """Thresholds to use in place of the rule set's own, by name."""


class DiagnosisAnswer(Answer):
    """What is wrong with a run's network, where, since when, and how sure."""

    run_id: str
    primary: str
    rule_set: str
    findings: list[Json]
    provisional: bool
    """Whether the run goes on, so that the diagnosis may change."""
