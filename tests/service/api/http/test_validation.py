from typing import Any

import pytest
from pydantic import ValidationError

from gradclinic.api.http.validation import escape, problems_from, shown
from gradclinic.experiments.experiment import Experiment

from ..examples import experiment

SCHEMA = Experiment.model_json_schema()


def problems(body: Any) -> dict[str, Any]:
    with pytest.raises(ValidationError) as caught:
        Experiment.model_validate(body)
    found = problems_from([dict(error) for error in caught.value.errors()], body=body, schema=SCHEMA)
    return {problem.pointer: problem for problem in found}


def test_tags_of_unions_are_no_part_of_a_pointer() -> None:
    layers = [{"kind": "residual", "body": [{"kind": "activation", "activation": {"name": "elu", "alpha": 0}}]}]
    found = problems({**experiment(), "model": {"kind": "layers", "layers": layers}})
    assert list(found) == ["/model/layers/0/body/0/activation/alpha"]


def test_a_list_that_is_short_only_for_its_faulty_items_is_not_called_short() -> None:
    found = problems({**experiment(), "model": {"kind": "layers", "layers": [{"kind": "linear"}]}})
    assert list(found) == ["/model/layers/0/out_features"]


def test_an_empty_list_is_called_short() -> None:
    found = problems({**experiment(), "model": {"kind": "layers", "layers": []}})
    assert (found["/model/layers"].allowed or "").startswith("a list of 1 to ")


def test_keys_are_escaped() -> None:
    found = problems(experiment(model={"a/b~c": 1}))
    assert list(found) == ["/model/a~1b~0c"]
    assert escape("~/") == "~0~1"


def test_a_wrong_type_is_told_from_the_right_one() -> None:
    found = problems({**experiment(), "training": [], "clipping": "norm"})
    assert found["/training"].message == "should be an object, not a list"
    assert "not a string" in found["/clipping"].message


def test_a_missing_tag_names_what_it_could_be() -> None:
    found = problems({**experiment(), "data": {}})
    assert "digits" in (found["/data/kind"].allowed or "")


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("x" * 1000, "x" * 300 + "..."),
        (10**400, "an integer of more than 300 digits"),
        (list(range(1000)), "a list of 1000 items"),
        ({str(key): key for key in range(1000)}, "an object of 1000 items"),
        ([1, 2], [1, 2]),
        (b"abc", "3 bytes"),
    ],
)
def test_an_answer_is_never_larger_than_its_question(value: object, quoted: object) -> None:
    assert shown(value) == quoted


@pytest.mark.parametrize("name", ["k" * 50_000, "k" * 20])
def test_a_name_that_is_not_known_is_quoted_up_to_300_characters(name: str) -> None:
    (problem,) = problems(experiment(data={"kind": name})).values()
    assert problem.message.startswith(f"unknown kind '{name[:300]}")
    assert len(problem.message) < 400
