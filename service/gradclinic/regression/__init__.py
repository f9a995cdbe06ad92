"""A new result held against a pinned one: no worse by more than a margin, worse, or not known yet; pure functions.

report = check(baseline, new, margins={"final_validation_loss": 0.1})
report.verdict, report.summary, report.to_json()
"""

from .conditions import ConditionCheck
from .judge import ERROR, Report, check
from .junit import junit_xml
from .margins import DEFAULT_MARGINS, Margins
from .metrics import MetricCheck, Verdict
from .specs import CheckSpec, PinSpec, ScheduleSpec

__all__ = [
    "DEFAULT_MARGINS",
    "ERROR",
    "CheckSpec",
    "ConditionCheck",
    "Margins",
    "MetricCheck",
    "PinSpec",
    "Report",
    "ScheduleSpec",
    "Verdict",
    "check",
    "junit_xml",
]
