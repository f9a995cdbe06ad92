"""What holds for every entry of every registry, found there: a new entry is tested without a line here."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gradclinic.experiments.activations import ACTIVATIONS
from gradclinic.experiments.clipping import CLIPPINGS
from gradclinic.experiments.experiment import Experiment
from gradclinic.experiments.initializations import INITIALIZATIONS
from gradclinic.experiments.layers import LAYERS, Layout, lower_sequence
from gradclinic.experiments.lr_schedules import LR_SCHEDULES
from gradclinic.experiments.optimizers import OPTIMIZERS
from gradclinic.experiments.presets import PRESETS
from gradclinic.kernel.errors import InvalidRequest, InvalidSpec, RemedyDoesNotApply
from gradclinic.measurements.statistics import STATISTICS, TensorStatistic
from gradclinic.remedies import REMEDIES, apply_all
from gradclinic_torch.measure.reductions import reduced
from gradclinic_workers.train.build import build, target
from gradclinic_workers.train.fit import train
from tests.service.examples import examples

torch.set_num_threads(1)

drawn = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)

SIZES = st.integers(1, 6)
SHAPES: dict[str, st.SearchStrategy[tuple[int, ...]]] = {
    "flat": st.tuples(SIZES),
    "tokens": st.tuples(SIZES),
    "sequence": st.tuples(SIZES, SIZES),
    "image": st.tuples(SIZES, SIZES, SIZES),
}


def check_reason(refusal: InvalidRequest, *, under: str) -> None:
    problem = refusal.problems[0]
    assert problem.pointer.startswith(under)
    assert len(problem.message) > 15
    assert problem.allowed or isinstance(refusal, RemedyDoesNotApply)


def samples(layout: Layout | None, shape: tuple[int, ...]) -> torch.Tensor:
    if layout == "tokens":
        return torch.zeros((3, *shape), dtype=torch.int64)
    return torch.randn((3, *shape), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kind", LAYERS)
@drawn
@given(data=st.data())
def test_every_layers_shapes_and_parameters_are_torchs(kind: str, data: st.DataObject):
    cls = LAYERS[kind]
    layer = data.draw(examples(cls))
    layouts = [cls.wants] if cls.wants else ["flat", "sequence", "image"]
    shape = data.draw(SHAPES[data.draw(st.sampled_from(layouts))])
    try:
        nodes, out_shape = lower_sequence([layer], shape, pointer="/layers")
    except InvalidSpec as refusal:
        check_reason(refusal, under="/layers/0")
        assume(condition=False)
    modules = build(nodes)
    seen: dict[str, tuple[int, ...]] = {}
    output = modules(samples(cls.wants, shape), lambda name, tensor: seen.setdefault(name, tuple(tensor.shape[1:])))
    assert tuple(output.shape[1:]) == out_shape
    by_name = dict(modules.named())
    for node in (inner for top in nodes for inner in top.walk()):
        assert seen[node.name] == node.out_shape
        own = dict(by_name[node.name].named_parameters())
        declared = [(parameter.name, parameter.shape) for parameter in node.parameters]
        assert declared == [(n, tuple(p.shape)) for n, p in own.items() if not n.startswith("body.")]
        assert node.flops >= 0


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_and_its_slope_are_torchs(name: str):
    activation = ACTIVATIONS[name]()
    module = target(activation.call())(*activation.call().args, **activation.call().kwargs).double().eval()
    z = torch.linspace(-9, 9, 1001, dtype=torch.float64, requires_grad=True)
    phi = module(z)
    torch.autograd.backward(phi.sum())
    np.testing.assert_allclose(activation.value(z.detach().numpy()), phi.detach().numpy(), atol=1e-6)
    np.testing.assert_allclose(activation.derivative(z.detach().numpy()), z.grad.numpy(), atol=1e-6)
    assert sum(p.numel() for p in module.parameters()) == activation.learned


MODELS: dict[str, dict[str, Any]] = {
    "mlp": {"depth": 3, "width": 6, "activation": "tanh"},
    "cnn": {"depth": 2, "channels": 4, "activation": "relu", "skip": {"scale": 1.0}},
    "rnn": {"cell": "rnn", "width": 5, "activation": "tanh"},
    "transformer": {"depth": 1, "width": 4, "heads": 2, "mlp_ratio": 1, "activation": "gelu"},
    "layers": {
        "layers": [
            {"kind": "repeat", "times": 2, "body": [{"kind": "linear", "out_features": 6}, {"kind": "layer_norm"}]},
            {"kind": "activation", "activation": "sigmoid"},
            {"kind": "linear", "out_features": 10},
        ]
    },
}
"""A small model of each kind; a new kind is tried with its smallest values."""
DATA = {"flat": "digits", "image": "digits", "sequence": "digit_rows"}


def experiment(kind: str, **changes: Any) -> Experiment:
    model = PRESETS[kind].model_validate({"kind": kind, **MODELS[kind]})
    return Experiment.model_validate(
        {
            "model": {"kind": kind, **MODELS[kind]},
            "data": {"kind": DATA[model.layout()], "standardize": False, "scale": 0.1},
            "optimizer": {"kind": "sgd", "learning_rate": 0.05},
            "clipping": {"kind": "norm", "max_norm": 5.0},
            "training": {"steps": 5, "batch_size": 8},
            **changes,
        }
    )


@pytest.mark.parametrize("kind", PRESETS)
@pytest.mark.parametrize("remedy", REMEDIES)
@settings(parent=drawn, max_examples=3)
@given(data=st.data())
def test_every_remedy_trains_or_refuses_with_a_reason_on_every_preset(remedy: str, kind: str, data: st.DataObject):
    before = experiment(kind)
    example = data.draw(examples(REMEDIES[remedy]))
    untouched = before.to_json()
    try:
        after = apply_all(before, [example])
    except RemedyDoesNotApply as refusal:
        check_reason(refusal, under="/remedies/0")
        return
    assert before.to_json() == untouched
    assert after != before
    assert Experiment.model_validate(after.to_json()) == after
    outcome = train(after).outcome
    assert outcome.nonfinite_step is not None or outcome.steps_done == after.training.steps


@pytest.mark.parametrize("section", ["optimizer", "schedule", "clipping"])
@settings(parent=drawn, max_examples=15)
@given(data=st.data())
def test_every_optimizer_schedule_and_clipping_trains(section: str, data: st.DataObject):
    registry: Any = {"optimizer": OPTIMIZERS, "schedule": LR_SCHEDULES, "clipping": CLIPPINGS}[section]
    kind = data.draw(st.sampled_from(sorted(registry)))
    chosen = data.draw(examples(registry[kind])).to_json()
    outcome = train(experiment("mlp", **{section: chosen})).outcome
    assert outcome.nonfinite_step is not None or outcome.steps_done == 5


@pytest.mark.parametrize("scheme", INITIALIZATIONS)
@pytest.mark.parametrize("kind", ["mlp", "cnn", "rnn", "transformer"])
def test_every_initialization_starts_every_preset(scheme: str, kind: str):
    model = {"kind": kind, **MODELS[kind], "initialization": {"scheme": scheme}}
    record = train(experiment(kind, model=model))
    assert math.isfinite(record.outcome.initial_train_loss)
    assert (record.get("weight_norm_l2").values[0] > 0).all()


@pytest.mark.parametrize("name", [name for name, each in STATISTICS.items() if isinstance(each, TensorStatistic)])
def test_every_statistic_is_one_number_a_tensor_and_grows_with_the_gradient_only_if_it_says_so(name: str):
    statistic = STATISTICS[name]
    draw = torch.Generator().manual_seed(0)
    tensors = [torch.randn(shape, generator=draw) for shape in [(8, 5), (8, 3, 4), (8, 5)]]
    activations = [ACTIVATIONS["tanh"](), None, ACTIVATIONS["relu"]()]

    def found(factor: float) -> torch.Tensor:
        given = [factor * tensor for tensor in tensors]
        return reduced(given, [statistic.reduce], activations=activations)[statistic.reduce]

    alone = [
        reduced([tensor], [statistic.reduce], activations=[activation])[statistic.reduce]
        for tensor, activation in zip(tensors, activations, strict=True)
    ]
    assert found(1.0).dtype == torch.float64
    assert torch.allclose(found(1.0), torch.cat(alone), rtol=1e-12)
    assert torch.isfinite(found(1.0)).all()
    if statistic.of == "gradient":
        assert torch.allclose(found(4.0), (4.0 if statistic.grows else 1.0) * found(1.0), rtol=1e-6)
