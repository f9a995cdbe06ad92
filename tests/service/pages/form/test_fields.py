"""Every place of every request has a field that reads what it shows."""

import pytest

from gradclinic.experiments.layers import LAYERS
from gradclinic.pages.form import Field, changed, fields_of
from gradclinic.pages.request_kinds import KINDS
from gradclinic.remedies import REMEDIES

from ..conftest import EXPERIMENT

LAYERED = {
    **EXPERIMENT,
    "model": {
        "kind": "layers",
        "layers": [
            {"kind": "linear", "out_features": 16},
            {"kind": "residual", "body": [{"kind": "activation", "activation": {"name": "elu", "alpha": 0.5}}]},
        ],
    },
    "clipping": {"kind": "norm", "max_norm": 1.5},
    "training": {"steps": 30, "stop_when": {"conditions": ["divergence", "dead_units"]}},
    "recording": {"adaptive": False},
}
BODIES = {
    "run": {"experiment": LAYERED, "remedies": [{"kind": "add_batch_norm"}], "name": "a / b ~ c", "labels": {"a": "b"}},
    "study": {
        "experiment": EXPERIMENT,
        "arms": [{"name": "one", "remedies": [{"kind": "swap_activation", "activation": "tanh"}]}],
        "seeds": [0, 7],
        "sweep": [{"field": "/optimizer/learning_rate", "values": [0.1, 1e-05]}],
        "control": "random_remedy",
    },
    "prescription": {"experiment": EXPERIMENT, "budget": {"runs": 40}},
    "check": {"baseline": "main", "seeds": [0], "margins": {"final_train_loss": 0.1}},
}


def schema_of(kind: str):
    return KINDS[kind].spec.model_json_schema()


def every(fields: list[Field]):
    for field in fields:
        yield field
        yield from every(list(field.children))


def controls(fields: list[Field]) -> list[tuple[str, str]]:
    """What a browser sends of a form that nobody has changed."""
    sent = []
    for field in every(fields):
        if field.options:
            sent += [(field.control, option.value) for option in field.options if option.chosen]
        elif field.kind not in ("group", "list"):
            sent.append((field.control, field.value))
    return sent


def fields(kind: str, body, problems=None) -> dict[str, Field]:
    return {field.pointer: field for field in every(fields_of(schema_of(kind), body, problems or {})[0])}


@pytest.mark.parametrize("kind", BODIES)
def test_a_form_that_nobody_has_changed_leaves_the_request_as_it_is(kind):
    schema, body = schema_of(kind), BODIES[kind]
    KINDS[kind].spec.model_validate(body)
    sent = controls(fields_of(schema, body, {})[0])
    assert changed(schema, body, sent) == body
    assert changed(schema, {}, sent).keys() <= body.keys()


def test_layers_and_remedies_can_be_added_whatever_there_is_of_them():
    found = fields("run", BODIES["run"])
    assert {each.value for each in found["/experiment/model/layers"].additions} == set(LAYERS)
    assert {each.value for each in found["/remedies"].additions} == set(REMEDIES)


def test_a_problem_stands_at_its_field_and_one_without_a_field_is_named():
    problems = {"/experiment/model/depth": "too deep", "/experiment/model/kind": "unknown", "/other": "unknown key"}
    shown, elsewhere = fields_of(schema_of("run"), {"experiment": EXPERIMENT}, problems)
    found = {field.pointer: field for field in every(shown)}
    assert found["/experiment/model/depth"].problem == "too deep"
    assert found["/experiment/model"].problem == "unknown"
    assert elsewhere == ["/other"]


def test_a_field_shows_its_default_and_what_is_allowed():
    steps = fields("run", {"experiment": EXPERIMENT})["/experiment/training/batch_size"]
    assert (steps.default, steps.allowed) == ("64", "an integer from 1 to 65,536")


def test_a_long_request_has_a_form_of_bounded_size():
    layers = [{"kind": "linear", "out_features": 8}] * 5000
    model = {"kind": "layers", "layers": [{"kind": "block", "body": layers}] * 10}
    assert len(fields("run", {"experiment": {**EXPERIMENT, "model": model}})) < 600
