"""The result of a diagnosis: findings with their evidence, and the primary condition."""

from dataclasses import dataclass

from pydantic import OnErrorOmit

from ..kernel.vocabulary import Blame, Severity, Unit
from ..remedies import AnyRemedy


@dataclass(frozen=True)
class Evidence:
    """One measured number, with its threshold."""

    name: str
    value: float
    unit: Unit
    threshold: float | None = None


@dataclass(frozen=True)
class CureCount:
    """How many broken trainings like this one a remedy cured, of those it was tried on."""

    remedy: AnyRemedy
    cured: int
    tried: int


EVEN = 0.5
"""Up to this confidence a condition is as likely absent as present."""


def is_possibility(confidence: float) -> bool:
    """Whether a condition of this confidence is no more likely than not. Such a finding does not lead a diagnosis."""
    return confidence <= EVEN


@dataclass(frozen=True)
class Finding:
    """One condition in one run. A condition without harm is present, but the network learned anyway."""

    condition: str
    """The name of its rule."""
    severity: Severity
    harm: bool
    """Whether it hurt learning."""
    confidence: float
    """Between 0 and 1, from the data."""
    layers: tuple[str, ...]
    """The layers at fault, worst first; empty if the condition does not concern single layers."""
    first_step: int
    last_step: int
    evidence: tuple[Evidence, ...]
    rule: str
    source: str
    """Source of the rule or its threshold."""
    summary: str
    """One sentence for people."""
    blames: tuple[Blame, ...] = ()
    """The parts of the training that are responsible, most likely first."""
    suggested_remedies: tuple[OnErrorOmit[AnyRemedy], ...] = ()
    """Remedies for this condition, best first. In a stored finding, those that this version knows."""
    cure_counts: tuple[OnErrorOmit[CureCount], ...] = ()
    """How often the suggested remedies cured others like it, for those that were tried."""


@dataclass(frozen=True)
class Diagnosis:
    """All findings of a run, and the primary one."""

    primary: str
    findings: tuple[Finding, ...]
    rule_set: str
    """Version of the rules that judged."""
