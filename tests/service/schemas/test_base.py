import math

import pytest
from pydantic import ValidationError

from gradclinic.schemas.base import Answer


class Part(Answer):
    value: float


class Whole(Answer):
    parts: list[Part]
    by_name: dict[str, Part | None]


DOCUMENT = {
    "parts": [{"value": "NaN", "newer": 1}],
    "by_name": {"a": {"value": "-Infinity", "newer": {}}, "b": None},
    "newest": [1],
}


def test_what_is_answered_has_no_other_keys() -> None:
    with pytest.raises(ValidationError):
        Whole(**DOCUMENT)


def test_what_a_newer_service_adds_is_left_out_at_every_depth_and_kept_in_the_document() -> None:
    whole = Whole.parse(DOCUMENT)
    assert math.isnan(whole.parts[0].value)
    assert whole.by_name["a"] == Part(value=-math.inf)
    assert whole.document == DOCUMENT


def test_what_is_missing_is_noticed() -> None:
    with pytest.raises(ValidationError):
        Whole.parse({"parts": []})
