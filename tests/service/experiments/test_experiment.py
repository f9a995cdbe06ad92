"""Experiments are frozen, strict, bounded, and survive a round trip through JSON."""

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gradclinic.experiments.experiment import Experiment
from gradclinic.experiments.lowering import lower
from gradclinic.kernel.errors import InvalidRequest

MINIMAL = {
    "model": {"kind": "mlp", "depth": 2, "width": 8, "activation": "tanh"},
    "data": {"kind": "moons"},
    "optimizer": {"kind": "sgd", "learning_rate": 0.1},
}
VALID: list[dict[str, Any]] = [
    MINIMAL,
    {**MINIMAL, "model": {"kind": "cnn", "depth": 2, "channels": 4, "activation": "gelu"}, "data": {"kind": "digits"}},
    {**MINIMAL, "model": {"kind": "rnn", "cell": "lstm", "width": 4}, "data": {"kind": "adding_problem", "length": 5}},
    {
        **MINIMAL,
        "model": {"kind": "transformer", "depth": 2, "width": 8, "heads": 2, "activation": "relu", "skip": {}},
        "data": {"kind": "copy_memory", "length": 4},
    },
    {
        "model": {
            "kind": "layers",
            "layers": [
                {"kind": "repeat", "times": 3, "body": [{"kind": "linear", "out_features": 4}, {"kind": "rms_norm"}]},
                {"kind": "residual", "body": [{"kind": "activation", "activation": {"name": "elu", "alpha": 0.5}}]},
                {"kind": "linear", "out_features": 2},
            ],
            "initialization": {"scheme": "normal", "std": 0.1},
        },
        "data": {"kind": "circles", "noise": 0.1},
        "optimizer": {"kind": "adam", "learning_rate": 0.01},
        "schedule": {"kind": "cosine"},
        "clipping": {"kind": "value", "max_value": 0.1},
        "training": {"steps": 10, "batch_size": 4, "seed": 3, "precision": "float32", "device": "cpu"},
        "recording": {"every": 2, "full_every": 4, "dense_until": 0},
    },
]


@pytest.mark.parametrize("spec", VALID)
def test_a_valid_experiment_survives_a_round_trip_through_json(spec):
    experiment = Experiment.model_validate(spec)
    again = Experiment.model_validate(json.loads(json.dumps(experiment.to_json())))
    assert again == experiment
    assert hash(again) == hash(experiment)
    assert lower(again).outputs > 0


def test_only_model_data_and_optimizer_are_required():
    experiment = Experiment.model_validate(MINIMAL)
    assert (experiment.schedule.kind, experiment.clipping) == ("constant", None)
    for missing in MINIMAL:
        with pytest.raises(ValidationError, match="Field required"):
            Experiment.model_validate({key: value for key, value in MINIMAL.items() if key != missing})


def test_another_seed_changes_the_training_and_not_the_data():
    experiment = Experiment.model_validate(MINIMAL)
    other = experiment.with_seed(7)
    assert (other.training.seed, experiment.training.seed) == (7, 0)
    assert other.data == experiment.data


WRONG = [
    (("model", "depth"), 0),
    (("model", "depth"), "3"),
    (("model", "depth"), 2.0),
    (("model", "depth"), True),
    (("model", "width"), -1),
    (("model", "kind"), "perceptron"),
    (("model", "activation"), "swish"),
    (("model", "dropout"), 0.5),
    (("data", "kind"), "imagenet"),
    (("data", "seed"), -1),
    (("optimizer", "learning_rate"), float("nan")),
    (("optimizer", "learning_rate"), float("inf")),
    (("optimizer", "learning_rate"), "0.1"),
    (("optimizer", "learning_rate"), None),
    (("training",), {"steps": 0}),
    (("training",), {"batch_size": 10**9}),
    (("colour",), "red"),
]


@pytest.mark.parametrize(("path", "value"), WRONG)
def test_nothing_is_coerced_in_silence(path, value):
    spec = copy.deepcopy(MINIMAL)
    *parents, last = path
    place: Any = spec
    for key in parents:
        place = place[key]
    place[last] = value
    with pytest.raises(ValidationError) as caught:
        Experiment.model_validate(spec)
    assert path[0] in caught.value.errors()[0]["loc"]


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NUMBERS = st.sampled_from([0, 1, 2, 3, 7, 1000, 65_536, 10**9, -1, 0.0, 1e-300, 1e300, 0.5])


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, child in inner for place in places(child, (*path, key)))]


def mutated(data: st.DataObject) -> Any:
    """A valid spec with a few places replaced, removed, or filled with what stands elsewhere."""
    spec: Any = copy.deepcopy(data.draw(st.sampled_from(VALID)))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from([place for place in places(spec) if place]))
        parent = spec
        for key in path[:-1]:
            parent = parent[key]
        donor: Any = data.draw(st.sampled_from(VALID))
        for key in data.draw(st.sampled_from(places(donor))):
            donor = donor[key]
        action = data.draw(st.sampled_from(["junk", "number", "remove", "borrow"]))
        if action == "remove" and isinstance(parent, dict):
            del parent[path[-1]]
        elif action == "borrow":
            parent[path[-1]] = copy.deepcopy(donor)
        else:
            parent[path[-1]] = data.draw(JUNK if action == "junk" else NUMBERS)
    return spec


@settings(max_examples=200, deadline=2000, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_whatever_is_sent_is_lowered_or_refused_with_a_place_and_never_slow(data: st.DataObject):
    spec = data.draw(JUNK) if data.draw(st.integers(0, 9)) == 0 else mutated(data)
    problems, network = outcome(spec)
    assert all(problems) if problems else network.parameters > 0


def outcome(spec: Any) -> tuple[list[Any], Any]:
    """The places of what is wrong, or the network."""
    try:
        experiment = Experiment.model_validate(spec)
    except ValidationError as refused:
        return refused.errors(), None
    assert Experiment.model_validate(experiment.to_json()) == experiment
    try:
        return [], lower(experiment)
    except InvalidRequest as refused:
        return [problem.pointer.startswith("/") for problem in refused.problems], None
