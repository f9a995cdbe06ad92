"""Diagnoses, as they are asked for."""

from pydantic import ConfigDict, Field

from ...kernel.names import LabelKey, Name
from ...kernel.spec import Spec


class DiagnosisRequest(Spec):
    """How to judge a run's stored statistics again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"thresholds": {"depth_slope": 2.0}}]})

    rule_set: Name | None = None
    """Which rules judge; null is the present set."""
    thresholds: dict[LabelKey, float] = Field(default_factory=dict)
    """Thresholds to use in place of the rule set's own, by name."""
