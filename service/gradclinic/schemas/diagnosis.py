"""Responses about diagnoses."""

from typing import Annotated

from pydantic import PlainSerializer

from ..kernel.vocabulary import Blame, Severity
from .base import Answer
from .remedy import AnyRemedy

SuggestedRemedy = Annotated[AnyRemedy, PlainSerializer(lambda remedy: remedy.in_short())]
"""A remedy in the form that requests take, without default values."""


class EvidenceAnswer(Answer):
    """One measured number, with its threshold."""

    name: str
    value: float
    unit: str
    threshold: float | None


class CureCountAnswer(Answer):
    """How many broken trainings like this one a remedy cured, of those it was tried on."""

    remedy: SuggestedRemedy
    cured: int
    """Trainings that learned without harm on two seeds with the remedy."""
    tried: int


class FindingAnswer(Answer):
    """One condition in one run."""

    condition: str
    """The name of its rule, as in the catalogue."""
    severity: Severity
    harm: bool
    """Whether it hurt learning."""
    confidence: float
    """Between 0 and 1, from the data."""
    layers: list[str]
    """The layers that cause it, worst first; empty if the condition does not concern single layers."""
    first_step: int
    last_step: int
    evidence: list[EvidenceAnswer]
    rule: str
    source: str
    """Source of the rule or its threshold."""
    summary: str
    """One sentence for people."""
    blames: list[Blame]
    """The parts of the training that are responsible, most likely first."""
    suggested_remedies: list[SuggestedRemedy]
    """Remedies in the form that requests take, best first for this condition."""
    cure_counts: list[CureCountAnswer]
    """How often the suggested remedies cured trainings like this one, for those that were tried."""


class DiagnosisAnswer(Answer):
    """The conditions of a run, with layers, onset and confidence."""

    primary: str
    """The condition that explains the run best."""
    rule_set: str
    """The rule set that was used."""
    findings: list[FindingAnswer]
    """The finding of the primary condition comes first."""

    def __str__(self) -> str:
        return "\n".join(f"{each.condition.replace('_', ' ')}: {each.summary}" for each in self.findings)


class RunDiagnosisAnswer(DiagnosisAnswer):
    """The diagnosis of one run, stored or computed for this request."""

    run_id: str
    provisional: bool
    """Whether the run is still in progress, so that the diagnosis may change."""

    @classmethod
    def of(cls, diagnosis: DiagnosisAnswer, *, run_id: str, provisional: bool) -> "RunDiagnosisAnswer":
        """The diagnosis with the id of its run."""
        parts = {name: getattr(diagnosis, name) for name in DiagnosisAnswer.model_fields}
        return cls(run_id=run_id, provisional=provisional, **parts)
