"""Prescriptions are answered as they were before their reports had types, from documents that were stored then."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from gradclinic.kernel.codec import decode
from gradclinic.prescription import Report
from gradclinic.remedies import AnyRemedy
from gradclinic.schemas.prescription import PrescriptionAnswer, PrescriptionSummary

KNOWN = json.loads((Path(__file__).parents[2] / "data/answers/prescription.json").read_text())
"""A search that goes on and one that ended: the report as stored, and the answer."""


def with_later_fields(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer with what is answered since: blames, counts of cures, remedies without defaults, notes."""
    for finding in answer["diagnosis"]["findings"]:
        finding.setdefault("blames", [])
        finding.setdefault("cure_counts", [])
        suggested = [TypeAdapter(AnyRemedy).validate_python(each) for each in finding["suggested_remedies"]]
        finding["suggested_remedies"] = [remedy.in_short() for remedy in suggested]
    if answer["comparison"] is not None:
        answer["comparison"].setdefault("notes", [])
    return answer


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known["answer"]["round"])
def test_a_stored_report_is_answered_as_before(known: dict[str, Any]) -> None:
    before = with_later_fields(known["answer"])
    summary = PrescriptionSummary.model_validate({name: before[name] for name in PrescriptionSummary.model_fields})
    answer = PrescriptionAnswer.of(summary, decode(Report, known["report"]), why=before["why"])
    assert json.loads(answer.model_dump_json()) == before
    assert json.loads(PrescriptionAnswer.model_validate(before).model_dump_json()) == before


def test_where_to_go_follows_from_the_identifier() -> None:
    before = dict(KNOWN[0]["answer"])
    urls = before.pop("urls")
    assert PrescriptionAnswer.model_validate(before).urls.model_dump() == urls
