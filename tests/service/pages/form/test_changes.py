"""What a browser sends of a form, and the request after it."""

import math

import pytest

from gradclinic.pages.form import changed
from gradclinic.pages.request_kinds import KINDS

from ..conftest import EXPERIMENT

SCHEMA = KINDS["run"].spec.model_json_schema()
BODY = {"experiment": EXPERIMENT}


def after(*sent: tuple[str, str], body=BODY):
    return changed(SCHEMA, body, sent)["experiment"]


def test_numbers_are_read_and_what_is_none_stays_as_it_was_written():
    assert after(("number /experiment/model/depth", " 12 "))["model"]["depth"] == 12
    assert after(("number /experiment/optimizer/learning_rate", "1e-3"))["optimizer"]["learning_rate"] == 0.001
    assert after(("number /experiment/model/depth", "deep"))["model"]["depth"] == "deep"


@pytest.mark.parametrize("text", ["1_0", "inf", "nan", "\u0661\u0660", "0x10", "1 0"])
def test_a_number_that_only_python_reads_stays_text(text):
    assert after(("number /experiment/model/depth", text))["model"]["depth"] == text


@pytest.mark.parametrize(("text", "number"), [(".5", 0.5), ("5.", 5.0), ("+5", 5), ("010", 10), ("9" * 5000, math.inf)])
def test_numbers_are_read_as_people_write_them(text, number):
    assert after(("number /experiment/optimizer/learning_rate", text))["optimizer"]["learning_rate"] == number


def test_an_empty_field_is_left_to_its_default_and_objects_are_made_when_they_are_needed():
    assert "steps" not in after(("number /experiment/training/steps", ""))["training"]
    assert after(("flag /experiment/recording/adaptive", "false"))["recording"] == {"adaptive": False}
    assert "recording" not in after(("flag /experiment/recording/adaptive", ""))


def test_another_member_of_a_union_keeps_what_both_have():
    model = after(("tag:kind /experiment/model", "rnn"), ("number /experiment/model/depth", "99"))["model"]
    assert model == {"kind": "rnn", "depth": 8, "width": 16, "activation": "sigmoid"}
    assert after(("tag:kind /experiment/optimizer", "adam"))["optimizer"] == {"kind": "adam", "learning_rate": 0.1}
    assert "clipping" not in after(("tag:kind /experiment/clipping", ""))


def test_a_parameter_of_a_member_that_is_named_alone_makes_it_an_object():
    elu = after(("tag:name /experiment/model/activation", "elu"))
    assert elu["model"]["activation"] == "elu"
    given = after(("number /experiment/model/activation/alpha", "0.5"), body={"experiment": elu})
    assert given["model"]["activation"] == {"name": "elu", "alpha": 0.5}


def test_items_are_added_moved_and_removed():
    body = {**BODY, "remedies": [{"kind": "add_batch_norm"}]}
    added = changed(SCHEMA, body, [("add /remedies", "add_layer_norm")])
    assert [each["kind"] for each in added["remedies"]] == ["add_batch_norm", "add_layer_norm"]
    moved = changed(SCHEMA, added, [("do", "up /remedies/1")])
    assert [each["kind"] for each in moved["remedies"]] == ["add_layer_norm", "add_batch_norm"]
    assert changed(SCHEMA, moved, [("do", "remove /remedies/0")])["remedies"] == [{"kind": "add_batch_norm"}]
    assert changed(SCHEMA, {}, [("do", "append /remedies")]) == {"remedies": [{}]}


@pytest.mark.parametrize("text", ["{", "[" * 900 + "]" * 900, '{"a": 1, "a": 2}', '{"a": "\\ud800"}'])
def test_json_that_the_api_would_not_take_stays_a_text(text):
    assert changed(SCHEMA, BODY, [("json /labels", text)])["labels"] == text


@pytest.mark.parametrize(
    "sent",
    [
        ("number", "1"),
        ("number experiment", "1"),
        ("nothing /experiment", "1"),
        ("number /experiment/model/depth/deeper", "1"),
        ("number " + "/a" * 1000, "1"),
        ("do", "remove /experiment/model"),
        ("do", "remove /remedies/99999999999999"),
        ("do", "explode /"),
        ("do", ""),
    ],
)
def test_names_that_belong_to_no_field_change_nothing(sent):
    assert changed(SCHEMA, BODY, [sent]) == BODY


@pytest.mark.parametrize("name", ["\u00b2", "\u0661", "9" * 5000])
def test_a_key_that_only_looks_like_an_index_is_a_key(name: str) -> None:
    found = changed(SCHEMA, {name: {"kind": "mlp"}}, [(f"tag:kind /{name}", "rnn")])
    assert found[name]["kind"] == "rnn"
