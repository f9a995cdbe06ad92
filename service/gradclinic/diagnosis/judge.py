"""Rule set 1: all rules judge the features; of those that fire, the order of causes determines the primary one."""

from collections.abc import Sequence
from dataclasses import replace

from ..measurements.record import RunRecord
from .features import Features
from .finding import EVEN, Finding, is_possibility
from .outcome import blown_up
from .reliability import bounded
from .rules import NOTHING_WRONG, RULES
from .rules.insufficient_evidence import InsufficientEvidence
from .rules.slow_convergence import SlowConvergence
from .thresholds import Thresholds


def judge(features: Features, record: RunRecord, thresholds: Thresholds) -> tuple[Finding, ...]:
    """All findings, the primary condition's first, then those that do harm, then the rest, each by precedence.

    Of two with the same precedence, the more certain one comes first. What is no more likely than not leads nothing:
    where nothing else is found, the evidence is insufficient.
    """
    found = {name: rule.judge(features, record, thresholds) for name, rule in RULES.items()}
    findings = [bounded(finding, record) for finding in found.values() if finding is not None]
    rest: Finding | None = None
    if blown_up(features, thresholds):
        findings = [finding for finding in findings if finding.condition not in NOTHING_WRONG]
    elif not any(_leads(finding) or finding.condition in NOTHING_WRONG for finding in findings):
        rest = _remainder(features, record, thresholds, possible=any(finding.harm for finding in findings))
    others = [finding for finding in findings if not RULES[finding.condition].only_alone]
    if any(_leads(finding) for finding in others):
        findings = others
    if any(_leads(finding) for finding in findings):
        findings = [finding for finding in findings if finding.harm or finding.condition not in NOTHING_WRONG]
    order = {id(finding): RULES[finding.condition].precedence(features, thresholds) for finding in findings}
    findings.sort(key=lambda each: (not each.harm, not _leads(each), order[id(each)], -each.confidence))
    findings = findings if rest is None else [rest, *findings]
    leading = next((each for each in findings if _leads(each) or each.condition in NOTHING_WRONG), None)
    leading = leading or _UNDECIDED.between(findings, features)
    return (leading, *(_as_a_possibility(finding) for finding in findings if finding is not leading))


def cause_of(finding: Finding, before: Sequence[Finding], record: RunRecord) -> Finding | None:
    """The first of the findings before it that leads and explains it, so that it is no rival; None if none does."""
    causes = (each for each in before if _leads(each) and each.rule in RULES)
    return next((each for each in causes if RULES[each.rule].explains(finding, record)), None)


_UNDECIDED = InsufficientEvidence()


def _leads(finding: Finding) -> bool:
    """Whether it does harm and is more than a possibility."""
    return finding.harm and not is_possibility(finding.confidence)


def _as_a_possibility(finding: Finding) -> Finding:
    """A finding that is no more likely true than not is a warning, whatever it would do if it were true."""
    unsure = finding.severity == "critical" and is_possibility(finding.confidence)
    return replace(finding, severity="warning") if unsure else finding


def _remainder(features: Features, record: RunRecord, thresholds: Thresholds, *, possible: bool) -> Finding | None:
    """What is left; where another condition is possible, and no more likely than not, it is at least as likely."""
    (rule,) = (rule for rule in RULES.values() if isinstance(rule, SlowConvergence))
    doubt = _nearest_miss(features, thresholds)
    rest = rule.remainder(features, record, thresholds, doubt=min(doubt, EVEN) if possible else doubt)
    return rest and bounded(rest, record)


def _nearest_miss(features: Features, thresholds: Thresholds) -> float:
    """Between 0 and 1: the square of how closely any other condition approached its threshold."""
    ratios = [
        abs(features.depth_slope_early or 0.0) / thresholds.depth_slope,
        (features.dead_mean or 0.0) / thresholds.dead_mean,
        (features.dead_max or 0.0) / thresholds.dead_layer,
        (features.saturated_start_mean or 0.0) / thresholds.saturated_mean,
    ]
    return min(1.0, max(ratios)) ** 2
