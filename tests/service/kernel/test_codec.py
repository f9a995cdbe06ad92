import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError

from gradclinic.kernel.codec import decode, encode
from gradclinic.kernel.spec import Spec


class Lower(Spec):
    kind: Literal["lower"] = "lower"
    factor: float = 0.1


class Clip(Spec):
    kind: Literal["clip"] = "clip"


@dataclass(frozen=True)
class Number:
    name: str
    value: float


@dataclass(frozen=True)
class Report:
    numbers: tuple[Number, ...]
    at: datetime
    remedies: tuple[Annotated[Lower | Clip, Field(discriminator="kind")], ...] = ()
    note: str | None = None


REPORT = Report(
    (Number("loss", 0.5), Number("slope", math.inf)), datetime(2026, 11, 1, 12, 30, tzinfo=UTC), (Clip(), Lower())
)


def test_a_value_comes_back_equal_with_all_its_parts_typed():
    assert decode(Report, encode(REPORT)) == REPORT


def test_a_document_is_plain_json_but_for_numbers_that_are_not_finite():
    document = encode(REPORT)
    assert document["numbers"][1]["value"] == math.inf
    assert json.loads(json.dumps(document)) == document


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_the_database_spells_numbers_that_are_not_finite(text):
    value = decode(Number, {"name": "loss", "value": text}).value
    assert str(value) == str(float(text))


def test_nan_stays_a_float():
    assert math.isnan(encode(Number("loss", math.nan))["value"])


def test_keys_of_other_versions_are_ignored_and_absent_ones_take_their_defaults():
    document = {"numbers": [{"name": "loss", "value": 1, "unit": "nat"}], "at": "2026-11-01T12:30:00Z", "later": {}}
    assert decode(Report, document) == Report((Number("loss", 1.0),), REPORT.at)


def test_a_document_without_a_required_field_is_refused():
    with pytest.raises(ValidationError, match="value"):
        decode(Number, {"name": "loss"})
