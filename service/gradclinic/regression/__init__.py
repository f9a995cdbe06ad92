"""Regression checks of a new result against a pinned baseline, within margins; pure functions.

report = check(baseline, new, margins={"final_validation_loss": 0.1})
report.verdict, report.summary, report.metrics, report.conditions
"""

from .judge import check
from .junit import EndedCheck, junit_xml
from .margins import DEFAULT_MARGINS, Margins
from .power import ERROR, note_on_seeds, note_on_sick, notes_on_check
from .report import ConditionCheck, LostRun, MetricCheck, PairedRuns, Report
from .specs import CheckSpec, PinSpec, ScheduleSpec

__all__ = [
    "DEFAULT_MARGINS",
    "ERROR",
    "CheckSpec",
    "ConditionCheck",
    "EndedCheck",
    "LostRun",
    "Margins",
    "MetricCheck",
    "PairedRuns",
    "PinSpec",
    "Report",
    "ScheduleSpec",
    "check",
    "junit_xml",
    "note_on_seeds",
    "note_on_sick",
    "notes_on_check",
]
