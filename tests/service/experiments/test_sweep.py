import pytest
from pydantic import ValidationError

from gradclinic.experiments.experiment import Experiment
from gradclinic.experiments.sweep import SweepAxis, expand_sweep, numeric_fields
from gradclinic.kernel.errors import InvalidSpec, TooLarge

EXPERIMENT = Experiment.model_validate(
    {
        "model": {"kind": "mlp", "depth": 4, "width": 16, "activation": "tanh"},
        "data": {"kind": "moons"},
        "optimizer": {"kind": "sgd", "learning_rate": 0.1},
    }
)


def axis(field: str, values: tuple[float, ...]) -> SweepAxis:
    return SweepAxis(field=field, values=values)


def test_no_axis_is_the_experiment_itself():
    (point,) = expand_sweep(EXPERIMENT, [])
    assert point.experiment == EXPERIMENT
    assert point.values == {}


def test_two_axes_are_every_combination_with_the_last_fastest():
    points = expand_sweep(EXPERIMENT, [axis("/model/depth", (2, 8)), axis("/optimizer/learning_rate", (0.01, 0.1, 1))])
    assert [tuple(point.values.values()) for point in points] == [
        (2, 0.01),
        (2, 0.1),
        (2, 1),
        (8, 0.01),
        (8, 0.1),
        (8, 1),
    ]
    assert points[3].experiment.model.depth == 8
    assert points[3].experiment.optimizer.learning_rate == 0.01
    assert points[3].experiment.data == EXPERIMENT.data


def test_only_the_swept_field_changes():
    (point,) = expand_sweep(EXPERIMENT, [axis("/model/initialization/gain", (1.5,))])
    before, after = EXPERIMENT.to_json(), point.experiment.to_json()
    assert after["model"]["initialization"].pop("gain") == 1.5
    assert before["model"]["initialization"].pop("gain") == 1.0
    assert before == after


def test_a_number_within_a_list_of_layers_can_be_swept():
    layers = [{"kind": "linear", "out_features": 8}, {"kind": "linear", "out_features": 2}]
    experiment = Experiment.model_validate(
        {**EXPERIMENT.to_json(), "model": {"kind": "layers", "layers": layers}}, strict=False
    )
    (point,) = expand_sweep(experiment, [axis("/model/layers/0/out_features", (32,))])
    assert point.experiment.model.layers[0].out_features == 32


@pytest.mark.parametrize(
    ("axis", "pointer", "word"),
    [
        (axis("/optimizer/lerning_rate", (1,)), "/sweep/0/field", "/optimizer/learning_rate"),
        (axis("/model", (1,)), "/sweep/0/field", "/model/depth"),
        (axis("/model/kind", (1,)), "/sweep/0/field", "/model/depth"),
        (axis("/training/seed", (1, 2)), "/sweep/0/field", "seeds"),
        (axis("/optimizer/learning_rate", (0.1, -1)), "/sweep/0/values/1", "greater than 0"),
        (axis("/model/depth", (2, 2.5)), "/sweep/0/values/1", "integer"),
        (axis("/model/depth", (2, 3, 2)), "/sweep/0/values/2", "once"),
    ],
)
def test_what_does_not_fit_is_named_with_place_value_and_what_is_allowed(axis, pointer, word):
    with pytest.raises(InvalidSpec) as error:
        expand_sweep(EXPERIMENT, [axis])
    (problem,) = error.value.problems
    assert problem.pointer == pointer
    assert problem.value is not None
    assert word in problem.allowed


def test_one_field_cannot_be_two_axes():
    depths = axis("/model/depth", (2, 3))
    with pytest.raises(InvalidSpec, match="another axis"):
        expand_sweep(EXPERIMENT, [depths, depths])


def test_a_sweep_too_large_is_refused_before_it_is_expanded():
    many = tuple(range(1, 102))
    with pytest.raises(TooLarge):
        expand_sweep(EXPERIMENT, [axis("/model/depth", many), axis("/model/width", many)])


def test_numeric_fields_are_those_that_hold_a_number():
    fields = numeric_fields(EXPERIMENT.to_json())
    assert "/model/depth" in fields
    assert "/model/kind" not in fields
    assert "/data/standardize" not in fields


def test_a_number_too_large_for_any_field_is_no_value():
    with pytest.raises(ValidationError):
        axis("/model/depth", (10**400,))
