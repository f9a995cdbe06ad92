"""Made-up diagnoses, for the tests of those who read them."""

from typing import Any

from gradclinic.diagnosis import Diagnosis, Finding

NOT_SICK = ("healthy", "insufficient_evidence")


def finding(condition: str = "vanishing_gradients", *, harm: bool = True, **changes: Any) -> Finding:
    values: dict[str, Any] = {
        "severity": "critical" if harm else "info",
        "confidence": 0.9,
        "layers": (),
        "first_step": 0,
        "last_step": 9,
        "evidence": (),
        "rule": condition,
        "source": "somebody",
        "summary": f"It has {condition}.",
    }
    return Finding(condition=condition, harm=harm, **(values | changes))


def diagnosis(*findings: Finding) -> Diagnosis:
    """The first finding's condition is the primary one."""
    return Diagnosis(primary=findings[0].condition, findings=findings, rule_set="1")


def diagnosed(*conditions: str) -> Diagnosis:
    """Each condition with a finding, harmful where it is a sickness."""
    return diagnosis(*(finding(condition, harm=condition not in NOT_SICK) for condition in conditions))
