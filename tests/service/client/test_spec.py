import pytest

from gradclinic import Clinic, Experiment, remedies
from gradclinic.client.spec import plain, plain_remedies, with_remedies
from gradclinic.kernel import errors

from ..api.examples import EXPERIMENT


def test_a_remedy_is_an_object_its_json_or_its_name() -> None:
    given = [remedies.AddBatchNorm(), {"kind": "add_layer_norm"}, "add_batch_norm"]
    assert [remedy["kind"] for remedy in plain_remedies(given)] == [
        "add_batch_norm",
        "add_layer_norm",
        "add_batch_norm",
    ]


def test_an_experiment_is_an_object_or_its_json() -> None:
    experiment = Experiment.model_validate(EXPERIMENT)
    assert plain(experiment) == experiment.to_json()
    assert with_remedies(EXPERIMENT, ["add_batch_norm"]) == {
        "experiment": EXPERIMENT,
        "remedies": [{"kind": "add_batch_norm"}],
    }


@pytest.mark.parametrize(
    ("given", "pointer", "allowed"),
    [
        ([remedies.SwapActivation], "/remedies/0", r"SwapActivation\(\.\.\.\)"),
        (["add_batch_norm", 3], "/remedies/1", "its name"),
        ("add_batch_norm", "/remedies", "a list"),
        ({"kind": "add_batch_norm"}, "/remedies", "a list"),
    ],
)
def test_what_is_no_remedy_is_refused_before_anything_is_sent(given: object, pointer: str, allowed: str) -> None:
    with pytest.raises(errors.InvalidSpec, match=rf"\(allowed: .*{allowed}") as refused:
        plain_remedies(given)  # type: ignore[arg-type]
    assert [problem.pointer for problem in refused.value.problems] == [pointer]


def test_what_is_no_experiment_is_refused() -> None:
    with pytest.raises(errors.InvalidSpec, match=r"\(allowed: an Experiment, or its JSON"):
        plain(7)  # type: ignore[arg-type]


def test_a_name_that_is_no_remedy_is_refused_with_those_that_are(clinic: Clinic) -> None:
    with pytest.raises(errors.InvalidRequest, match=r"\(allowed: .*add_batch_norm"):
        clinic.run(EXPERIMENT, remedies=["add_bach_norm"])


def test_remedies_are_listed_for_completion() -> None:
    assert {"SwapActivation", "AddBatchNorm", "apply_all"} <= set(dir(remedies))
