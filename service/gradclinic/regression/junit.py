"""A check as JUnit XML, which every CI system reads: a test case for each metric and each condition.

fail is a `failure`, whose text is the evidence. inconclusive is `skipped`: nothing is known to be broken, so it does
not break a build, and is seen all the same. Where the service could not do the check, that is an `error`.
"""

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document may hold, escaped or not."""


def junit_xml(found: Mapping[str, Any]) -> bytes:
    """The JUnit document of a check's answer that has ended, in UTF-8."""
    cases = _cases(found)
    count = {kind: sum(outcome is not None and outcome[0] == kind for _, outcome in cases) for kind in _KINDS}
    totals = {"tests": str(len(cases)), **{_KINDS[kind]: str(number) for kind, number in count.items()}}
    root = ET.Element("testsuites", {"name": "gradclinic", **totals})
    times = {"timestamp": str(found["created_at"])[:19]} if found.get("created_at") else {}
    suite = ET.SubElement(root, "testsuite", {"name": _clean(f"baseline {found['baseline']}"), **totals, **times})
    properties = ET.SubElement(suite, "properties")
    for name in ("id", "name", "baseline", "status", "verdict", "summary"):
        if found.get(name) is not None:
            ET.SubElement(properties, "property", {"name": name, "value": _clean(str(found[name]))})
    for name, outcome in cases:
        case = ET.SubElement(suite, "testcase", {"classname": f"gradclinic.{_clean(found['baseline'])}", "name": name})
        if outcome is not None:
            kind, message, text = outcome
            ET.SubElement(case, kind, {"message": _clean(message)}).text = _clean(text)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


_KINDS = {"failure": "failures", "error": "errors", "skipped": "skipped"}
_Outcome = tuple[str, str, str]


def _cases(found: Mapping[str, Any]) -> list[tuple[str, _Outcome | None]]:
    if found["verdict"] is None:
        return [("check", ("error", f"the check has {found['status']}", str(found.get("summary") or "")))]
    cases = [(str(each["metric"]), _outcome(each, _figures(each))) for each in found["metrics"]]
    cases += [(f"condition {each['condition']}", _outcome(each, _evidence(each))) for each in found["conditions"]]
    if not found["conditions"]:
        cases.append(("conditions", None))
    if found["lost"]:
        runs = ", ".join(f"seed {run['seed']} {run['status']}" for run in found["lost"])
        cases.append(("every run trained", ("skipped", f"{len(found['lost'])} runs have no result: {runs}", "")))
    return cases


def _outcome(each: Mapping[str, Any], evidence: str) -> _Outcome | None:
    kind = {"fail": "failure", "inconclusive": "skipped"}.get(each["verdict"])
    return None if kind is None else (kind, str(each["reason"]), evidence)


def _figures(each: Mapping[str, Any]) -> str:
    lines = [f"seed {pair['seed']}: baseline {pair['baseline']}, new {pair['new']}" for pair in each["values"]]
    return "\n".join([f"margin {each['margin']:g}", *lines, *_needed(each)])


def _evidence(each: Mapping[str, Any]) -> str:
    finding = each["finding"]
    return "\n".join([*([] if finding is None else [str(finding["summary"])]), *_needed(each)])


def _needed(each: Mapping[str, Any]) -> list[str]:
    return [f"about {each['seeds_needed']} seeds would decide"] if each["seeds_needed"] else []


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
