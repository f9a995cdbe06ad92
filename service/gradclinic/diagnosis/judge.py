"""Rule set 1: all rules judge the features; of those that fire, the order of causes determines the primary one."""

from ..measurements.record import RunRecord
from .features import Features
from .finding import Finding
from .rules import NOTHING_WRONG, RULES
from .rules.base import blown_up
from .rules.slow_convergence import SlowConvergence
from .thresholds import Thresholds


def judge(features: Features, record: RunRecord, thresholds: Thresholds) -> tuple[Finding, ...]:
    """All findings, the primary condition's first, then those that do harm, then the rest, each by precedence."""
    found = {name: rule.judge(features, record, thresholds) for name, rule in RULES.items()}
    findings = [finding for finding in found.values() if finding is not None]
    if blown_up(features, thresholds):
        findings = [finding for finding in findings if finding.condition not in NOTHING_WRONG]
    elif not any(finding.harm or finding.condition in NOTHING_WRONG for finding in findings):
        rest = _remainder(features, record, thresholds)
        findings += [rest] if rest is not None else []
    others = [finding for finding in findings if not RULES[finding.condition].only_alone]
    if any(finding.harm for finding in others):
        findings = others
    if any(finding.harm for finding in findings):
        findings = [finding for finding in findings if finding.harm or finding.condition not in NOTHING_WRONG]
    order = {id(finding): RULES[finding.condition].precedence(features, thresholds) for finding in findings}
    findings.sort(key=lambda finding: (not finding.harm, order[id(finding)]))
    leading = next((finding for finding in findings if finding.harm or finding.condition in NOTHING_WRONG), findings[0])
    return (leading, *(finding for finding in findings if finding is not leading))


def _remainder(features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
    (rule,) = (rule for rule in RULES.values() if isinstance(rule, SlowConvergence))
    return rule.remainder(features, record, thresholds, doubt=_nearest_miss(features, thresholds))


def _nearest_miss(features: Features, thresholds: Thresholds) -> float:
    """Between 0 and 1: the square of how closely any other condition approached its threshold."""
    ratios = [
        abs(features.depth_slope_early or 0.0) / thresholds.depth_slope,
        (features.dead_mean or 0.0) / thresholds.dead_mean,
        (features.dead_max or 0.0) / thresholds.dead_layer,
        (features.saturated_start_mean or 0.0) / thresholds.saturated_mean,
    ]
    return min(1.0, max(ratios)) ** 2
