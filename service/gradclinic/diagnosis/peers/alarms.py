"""Named alarms, shared by the rule sets of other tools; the first alarm is the primary condition."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..features import Features
from ..finding import Evidence, Finding


@dataclass(frozen=True)
class Alarm:
    """One rule that fired."""

    rule: str
    condition: str
    evidence: tuple[Evidence, ...]
    text: str
    layers: tuple[str, ...] = ()


def findings_from(alarms: Sequence[Alarm], features: Features, *, source: str, quiet: str) -> tuple[Finding, ...]:
    """Alarms as findings in the same order; a healthy finding if there are none."""
    last = max(0, features.steps_done - 1)
    if not alarms:
        return (
            Finding(
                condition="healthy",
                severity="info",
                harm=False,
                confidence=0.5,
                layers=(),
                first_step=0,
                last_step=last,
                evidence=(),
                rule="none",
                source=source,
                summary=quiet,
            ),
        )
    return tuple(
        Finding(
            condition=alarm.condition,
            severity="critical",
            harm=True,
            confidence=0.5,
            layers=alarm.layers,
            first_step=0,
            last_step=last,
            evidence=alarm.evidence,
            rule=alarm.rule,
            source=source,
            summary=alarm.text,
        )
        for alarm in alarms
    )
