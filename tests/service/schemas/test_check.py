"""Checks are answered as they were before their reports had types, from documents that were stored then."""

import json
import re
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gradclinic.kernel.codec import decode
from gradclinic.regression import Report, junit_xml
from gradclinic.schemas.check import CheckAnswer, CheckSummary

KNOWN = json.loads((Path(__file__).parents[2] / "data/answers/check.json").read_text())
"""A check that failed and one that was not decided: the report as stored, the answer, the JUnit document."""


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known["answer"]["verdict"])
def test_a_stored_report_is_answered_as_before(known: dict[str, Any]) -> None:
    before = {**known["answer"], "notes": []}
    summary = CheckSummary.model_validate({name: before[name] for name in CheckSummary.model_fields})
    report = decode(Report, known["report"])
    answer = CheckAnswer.of(summary, report, pin_run_ids=before["pin_run_ids"], run_ids=before["run_ids"])
    assert json.loads(answer.model_dump_json()) == before
    assert json.loads(CheckAnswer.model_validate(before).model_dump_json()) == before


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known["answer"]["verdict"])
def test_a_stored_report_makes_the_same_junit_document(known: dict[str, Any]) -> None:
    before = known["answer"]
    check = SimpleNamespace(
        **{name: before[name] for name in ("id", "name", "baseline", "status")},
        created_at=datetime.fromisoformat(before["created_at"]),
        ended_at=datetime.fromisoformat(before["ended_at"]),
        report=decode(Report, known["report"]),
    )
    made = junit_xml(check).decode()
    assert re.sub(r'(<testcase [^>]*?) time="[^"]*"', r"\1", made) == known["junit"]  # cases had no time then
    assert made.count(' time="') == made.count("<testcase ") + 2


def test_where_to_go_follows_from_the_identifier() -> None:
    before = {**KNOWN[0]["answer"], "notes": []}
    urls = before.pop("urls")
    assert CheckAnswer.model_validate(before).urls.model_dump() == urls
