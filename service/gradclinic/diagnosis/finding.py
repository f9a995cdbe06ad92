"""What a diagnosis says: findings with their evidence, and the primary condition."""

from dataclasses import dataclass

from pydantic import OnErrorOmit

from ..kernel.vocabulary import Blame, Severity
from ..remedies import AnyRemedy


@dataclass(frozen=True)
class Evidence:
    """One measured number, with the threshold that it was held against."""

    name: str
    value: float
    unit: str
    threshold: float | None = None


@dataclass(frozen=True)
class Finding:
    """One condition in one run. A condition can be there without harm: then the network learned anyway."""

    condition: str
    """The name of its rule."""
    severity: Severity
    harm: bool
    """Whether it hurt learning."""
    confidence: float
    """Between 0 and 1, from the data."""
    layers: tuple[str, ...]
    """The culprit layers, worst first; empty where the condition is not one of layers."""
    first_step: int
    last_step: int
    evidence: tuple[Evidence, ...]
    rule: str
    source: str
    """Where the rule or its threshold comes from."""
    summary: str
    """One sentence that a person understands."""
    blames: tuple[Blame, ...] = ()
    """The parts of the training that it holds responsible, best first."""
    suggested_remedies: tuple[OnErrorOmit[AnyRemedy], ...] = ()
    """Best first for this condition; of a stored finding, those that this version knows."""


@dataclass(frozen=True)
class Diagnosis:
    """All findings of a run, and the primary one."""

    primary: str
    findings: tuple[Finding, ...]
    rule_set: str
    """Version of the rules that judged."""
