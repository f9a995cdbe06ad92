import math
from dataclasses import dataclass

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


class Weather(Answer):
    place: str
    degrees: float


@dataclass(frozen=True)
class Measured:
    place: str
    degrees: float
    instrument: str = "thermometer"


def test_an_answer_has_no_fields_but_its_own():
    with pytest.raises(ValidationError, match="Extra inputs"):
        Weather.model_validate({"place": "here", "degrees": 20.0, "mood": "fine"})


def test_an_answer_is_made_from_an_object_that_has_its_fields():
    assert Weather.model_validate(Measured("here", 20.0)) == Weather(place="here", degrees=20.0)


def test_an_answer_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Weather(place="here", degrees=20.0).degrees = 21.0


@pytest.mark.parametrize(("number", "word"), [(math.inf, "Infinity"), (-math.inf, "-Infinity"), (math.nan, "NaN")])
def test_a_number_that_is_not_finite_is_a_word_in_json_and_a_number_again_when_parsed(number, word):
    sent = Weather(place="here", degrees=number).model_dump_json()
    assert sent == f'{{"place":"here","degrees":"{word}"}}'
    parsed = Weather.model_validate_json(sent).degrees
    assert parsed == number or (math.isnan(parsed) and math.isnan(number))


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


def test_the_schema_says_that_a_number_may_be_one_of_the_words():
    fields = Weather.model_json_schema()["properties"]
    assert fields["degrees"]["anyOf"] == [{"type": "number"}, {"type": "string", "pattern": "^(NaN|-?Infinity)$"}]
    assert fields["place"]["type"] == "string"


def test_a_parsed_answer_is_read_by_its_json_keys_too():
    from gradclinic.schemas.dataset import DatasetAnswer

    sent = dict.fromkeys(DatasetAnswer.model_fields)
    parsed = DatasetAnswer.model_construct(**sent)
    parsed._document = {"id": "dataset_1", "newer": 3}
    assert (parsed["id"], parsed["newer"]) == ("dataset_1", 3)
    with pytest.raises(KeyError):
        parsed["never"]
