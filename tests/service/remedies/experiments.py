"""Experiments that remedies are tried on, and what every remedy's test asserts."""

from typing import Any

import jsonpatch
import pytest

from gradclinic.experiments.experiment import Experiment
from gradclinic.experiments.lowering import lower
from gradclinic.kernel.errors import RemedyDoesNotApply
from gradclinic.remedies import Remedy, apply_all


def experiment(model: dict[str, Any], **changes: Any) -> Experiment:
    """An experiment with that model; what it learns from follows the model's kind."""
    data = {"rnn": "first_token", "transformer": "digit_rows"}.get(model["kind"], "digits")
    base = {"model": model, "data": {"kind": data}, "optimizer": {"kind": "sgd", "learning_rate": 0.1}}
    return Experiment.model_validate({**base, **changes})


def mlp(*, experiment_changes: dict[str, Any] | None = None, **changes: Any) -> Experiment:
    model = {"kind": "mlp", "depth": 4, "width": 16, "activation": "sigmoid", **changes}
    return experiment(model, **(experiment_changes or {}))


def cnn(**changes: Any) -> Experiment:
    return experiment({"kind": "cnn", "depth": 3, "channels": 4, "activation": "sigmoid", **changes})


def rnn(**changes: Any) -> Experiment:
    return experiment({"kind": "rnn", "cell": "rnn", "width": 8, **changes})


def transformer(**changes: Any) -> Experiment:
    return experiment({"kind": "transformer", "depth": 2, "width": 8, "heads": 2, "activation": "gelu", **changes})


def layers(*declared: dict[str, Any], **changes: Any) -> Experiment:
    """An explicit list of layers on digits; the readout is the caller's to add."""
    return experiment({"kind": "layers", "layers": list(declared)}, **changes)


def linear(out_features: int = 16, **changes: Any) -> dict[str, Any]:
    return {"kind": "linear", "out_features": out_features, **changes}


def activation(name: str = "sigmoid") -> dict[str, Any]:
    return {"kind": "activation", "activation": name}


READOUT = linear(10)


def applied(remedy: Remedy, before: Experiment) -> Experiment:
    """The experiment with the remedy: the one before is untouched, the new one is valid JSON, and it lowers."""
    untouched = before.to_json()
    after = apply_all(before, [type(remedy).model_validate(remedy.to_json())])
    assert before.to_json() == untouched
    assert after != before
    assert Experiment.model_validate(after.to_json()) == after
    lower(after)
    return after


def changes(remedy: Remedy, before: Experiment) -> list[str]:
    """The places that the remedy changes, as JSON pointers."""
    patch = jsonpatch.make_patch(before.to_json(), applied(remedy, before).to_json())
    return sorted({operation["path"] for operation in patch})


def refusal(remedy: Remedy, before: Experiment) -> str:
    """Why the remedy refuses."""
    with pytest.raises(RemedyDoesNotApply) as caught:
        apply_all(before, [remedy])
    problem = caught.value.problems[0]
    assert problem.pointer == "/remedies/0"
    return problem.message


def kinds(after: Experiment) -> list[str]:
    """The kinds of all lowered layers, containers before what they contain."""
    return [node.kind for node in lower(after).walk()]
