"""A check as JUnit XML for CI systems: one test case for each metric and each condition.

A fail is a `failure` with the evidence as its text. Inconclusive is `skipped`: it is visible, but does not break the
build, because nothing is known to be broken. If the service could not do the check, that is an `error`.
"""

import re
from datetime import datetime, timezone
from math import isfinite
from typing import Protocol
from xml.etree import ElementTree as ET

from ..kernel.status import StudyStatus
from .report import ConditionCheck, MetricCheck, Report

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML does not allow, even escaped."""


class EndedCheck(Protocol):
    """The fields of a check that the document contains, besides its report."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str | None: ...
    @property
    def baseline(self) -> str: ...
    @property
    def status(self) -> StudyStatus: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def ended_at(self) -> datetime | None: ...
    @property
    def report(self) -> Report | None: ...


def junit_xml(check: EndedCheck, *, page: str | None = None) -> bytes:
    """The JUnit document of an ended check, in UTF-8; `page` is the URL of its page.

    The time is that of the whole check in seconds, from its submission to its verdict. All cases are judged from the
    same trainings, so each has an equal part of it: tools add up the times of cases.
    """
    cases = _cases(check, page)
    count = {kind: sum(outcome is not None and outcome[0] == kind for _, outcome in cases) for kind in _KINDS}
    totals = {"tests": str(len(cases)), **{_KINDS[kind]: str(number) for kind, number in count.items()}}
    seconds = _seconds(check)
    totals |= _time(seconds)
    root = ET.Element("testsuites", {"name": "gradclinic", **totals})
    at = {"timestamp": check.created_at.astimezone(timezone.utc).isoformat()[:19]}
    suite = ET.SubElement(root, "testsuite", {"name": _clean(f"baseline {check.baseline}"), **totals, **at})
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(check, page).items():
        if value is not None:
            ET.SubElement(properties, "property", {"name": name, "value": _clean(value)})
    for name, outcome in cases:
        of_case = {"classname": f"gradclinic.{_clean(check.baseline)}", "name": name}
        of_case |= _time(None if seconds is None else seconds / len(cases))
        case = ET.SubElement(suite, "testcase", of_case)
        if outcome is not None:
            kind, message, text = outcome
            ET.SubElement(case, kind, {"message": _clean(message)}).text = _clean(text)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


_KINDS = {"failure": "failures", "error": "errors", "skipped": "skipped"}
_Outcome = tuple[str, str, str]


def _seconds(check: EndedCheck) -> float | None:
    return None if check.ended_at is None else (check.ended_at - check.created_at).total_seconds()


def _time(seconds: float | None) -> dict[str, str]:
    return {} if seconds is None else {"time": f"{seconds:.3f}"}


def _properties(check: EndedCheck, page: str | None) -> dict[str, str | None]:
    return {
        "id": check.id,
        "name": check.name,
        "url": page,
        "baseline": check.baseline,
        "status": check.status,
        "verdict": check.report.verdict if check.report is not None else None,
        "summary": check.report.summary if check.report is not None else None,
    }


def _cases(check: EndedCheck, page: str | None) -> list[tuple[str, _Outcome | None]]:
    """The test cases by name; the text of each that did not pass ends with the link."""
    return [(name, None if outcome is None else _linked(outcome, page)) for name, outcome in _outcomes(check)]


def _linked(outcome: _Outcome, page: str | None) -> _Outcome:
    kind, message, text = outcome
    return kind, message, "\n".join(part for part in (text, page) if part)


def _outcomes(check: EndedCheck) -> list[tuple[str, _Outcome | None]]:
    report = check.report
    if report is None or report.verdict is None:
        why = report.summary if report is not None else ""
        return [("check", ("error", f"the check has {check.status}", why))]
    cases = [(each.metric, _outcome(each, _figures(each))) for each in report.metrics]
    cases += [(f"condition {each.condition}", _outcome(each, _evidence(each))) for each in report.conditions]
    if not report.conditions:
        cases.append(("conditions", None))
    if report.lost:
        runs = ", ".join(f"seed {run.seed} {run.status}" for run in report.lost)
        cases.append(("every run trained", ("skipped", f"{len(report.lost)} runs have no result: {runs}", "")))
    return cases


def _outcome(each: MetricCheck | ConditionCheck, evidence: str) -> _Outcome | None:
    kind = {"fail": "failure", "inconclusive": "skipped"}.get(each.verdict)
    return None if kind is None else (kind, each.reason, evidence)


def _figures(each: MetricCheck) -> str:
    lines = [f"seed {pair.seed}: baseline {_spelled(pair.baseline)}, new {_spelled(pair.new)}" for pair in each.values]
    return "\n".join([f"margin {each.margin:g}", *lines, *_needed(each)])


def _spelled(value: float | None) -> str:
    """A number as in the API; "None" if there is none."""
    if value is None or isfinite(value):
        return str(value)
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"  # noqa: PLR0124  # only NaN is unequal to itself


def _evidence(each: ConditionCheck) -> str:
    return "\n".join([*([] if each.finding is None else [each.finding.summary]), *_needed(each)])


def _needed(each: MetricCheck | ConditionCheck) -> list[str]:
    return [f"about {each.seeds_needed} seeds would decide"] if each.seeds_needed else []


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
