"""Requests about diagnoses."""

from typing import Annotated

from pydantic import ConfigDict, Field

from ...kernel.names import LabelKey, Name
from ...kernel.spec import Spec


class DiagnosisRequest(Spec):
    """A new diagnosis from a run's stored statistics."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"thresholds": {"depth_slope": 2.0}}]})

    rule_set: Name | None = None
    """The rule set; null means the current one."""
    thresholds: Annotated[dict[LabelKey, float], Field(max_length=100)] = Field(default_factory=dict)
    """Thresholds that replace the rule set's, by name."""
