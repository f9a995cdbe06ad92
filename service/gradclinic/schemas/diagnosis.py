"""Diagnoses, as they are answered."""

from typing import Annotated

from pydantic import PlainSerializer

from ..kernel.vocabulary import Blame, Severity
from .base import Answer
from .remedy import AnyRemedy

SuggestedRemedy = Annotated[AnyRemedy, PlainSerializer(lambda remedy: remedy.in_short())]
"""A remedy as it can be posted, without what is the default anyway."""


class EvidenceAnswer(Answer):
    """One measured number, with the threshold that it is compared with."""

    name: str
    value: float
    unit: str
    threshold: float | None


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
    """The layers that cause it, worst first; empty where the condition is not one of layers."""
    first_step: int
    last_step: int
    evidence: list[EvidenceAnswer]
    rule: str
    source: str
    """Where the rule or its threshold comes from."""
    summary: str
    """One sentence that a person understands."""
    blames: list[Blame]
    """The parts of the training that it holds responsible, best first."""
    suggested_remedies: list[SuggestedRemedy]
    """Remedies as they can be posted, best first for this condition."""


class DiagnosisAnswer(Answer):
    """What is wrong with a run's network, where, since when, and how sure."""

    primary: str
    """The condition that explains the run best."""
    rule_set: str
    """The rules that judged."""
    findings: list[FindingAnswer]
    """The primary condition's first."""


class RunDiagnosisAnswer(DiagnosisAnswer):
    """The diagnosis of one run, stored or made for this request."""

    run_id: str
    provisional: bool
    """Whether the run goes on, so that the diagnosis may change."""

    @classmethod
    def of(cls, diagnosis: DiagnosisAnswer, *, run_id: str, provisional: bool) -> "RunDiagnosisAnswer":
        """The diagnosis with the run that it is of."""
        parts = {name: getattr(diagnosis, name) for name in DiagnosisAnswer.model_fields}
        return cls(run_id=run_id, provisional=provisional, **parts)
