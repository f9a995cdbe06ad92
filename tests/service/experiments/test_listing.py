"""The listings are PyTorch code, so they are run."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from gradclinic import remedies
from gradclinic.experiments.experiment import Experiment
from gradclinic.experiments.initializations import INITIALIZATIONS
from gradclinic.experiments.listing import listing
from gradclinic.measurements.estimate import estimate
from gradclinic.remedies import Remedy, apply_all

from ..api.examples import experiment


def run(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(code, names)  # our own listing
    return names


@pytest.mark.parametrize(
    "changes",
    [
        [],
        [remedies.AddBatchNorm()],
        [remedies.SwapActivation.model_validate({"activation": {"name": "leaky_relu", "negative_slope": 0.2}})],
        [remedies.AddSkipConnections(scale=0.3)],
        [remedies.AddSkipConnections(every=2), remedies.AddBatchNorm()],
        [remedies.SetInitialization(), remedies.ClipGradients()],
    ],
    ids=lambda changes: "+".join(change.kind for change in changes) or "as it is",
)
def test_a_listing_builds_the_network_that_would_be_trained(changes: list[Remedy]) -> None:
    changed = apply_all(Experiment.model_validate(experiment()), changes)
    model = run(listing(changed))["model"]
    assert sum(parameter.numel() for parameter in model.parameters()) == estimate(changed).parameters
    assert model(torch.zeros(4, 64)).shape == (4, 10)


def test_modules_that_repeat_are_made_anew_each_time() -> None:
    model = run(listing(Experiment.model_validate(experiment(model={"depth": 6}))))["model"]
    weights = [module.weight for module in model if isinstance(module, torch.nn.Linear)]
    assert len({id(weight) for weight in weights}) == len(weights) == 7


@pytest.mark.parametrize("scheme", sorted(set(INITIALIZATIONS) - {"lsuv"}))  # lsuv is scaled on samples, not in code
def test_the_weights_have_the_deviation_of_their_scheme(scheme: str) -> None:
    changes = {"depth": 3, "width": 256, "initialization": {"scheme": scheme, "gain": 1.5}}
    torch.manual_seed(0)
    model = run(listing(Experiment.model_validate(experiment(model=changes))))["model"]
    middle = [module for module in model if isinstance(module, torch.nn.Linear)][1]
    declared = INITIALIZATIONS[scheme](gain=1.5).deviation(256, 256)
    assert middle.weight.std().item() == pytest.approx(declared, rel=0.015)


@pytest.mark.parametrize("scheme", INITIALIZATIONS)
def test_the_lines_of_a_scheme_set_the_weight_that_they_are_given(scheme: str) -> None:
    weight = torch.nn.Parameter(torch.full((6, 4), 100.0))
    for line in INITIALIZATIONS[scheme](gain=0.5).code("layer.weight"):
        exec(line, {"nn": torch.nn, "layer": SimpleNamespace(weight=weight)})
    assert not (weight == 100.0).any()


def test_the_optimizer_and_the_clipping_are_shown() -> None:
    posted = experiment(
        optimizer={"kind": "sgd", "learning_rate": 0.05, "momentum": 0.9}, clipping={"kind": "value", "max_value": 0.1}
    )
    code = listing(Experiment.model_validate(posted))
    assert "torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)" in code
    assert "nn.utils.clip_grad_value_(model.parameters(), 0.1)" in code
    assert run(code)["optimizer"].defaults["momentum"] == 0.9


def test_a_deep_network_reads_in_a_few_lines() -> None:
    code = listing(Experiment.model_validate(experiment(model={"depth": 200})))
    assert "for _ in range(199)" in code
    assert len(code.splitlines()) < 30


def test_a_schedule_is_told_in_words() -> None:
    code = listing(Experiment.model_validate(experiment(schedule={"kind": "cosine"})))
    assert "# learning rate: cosine over 30 steps" in code
    assert "# factor 1 at the first step" in code


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({}, ["criterion = nn.CrossEntropyLoss()", "# loss = criterion(model(inputs), targets)"]),
        (
            {"loss": {"kind": "mse"}, "output_activation": "softmax"},
            [
                "output_activation = nn.Softmax(dim=-1)",
                "criterion = nn.MSELoss()",
                "# loss = criterion(output_activation(model(inputs)), one-hot classes)",
            ],
        ),
    ],
)
def test_a_listing_names_the_loss_and_what_stands_before_it(changes: dict[str, Any], lines: list[str]) -> None:
    code = listing(Experiment.model_validate(experiment() | changes))
    assert set(lines) <= set(code.splitlines())
    run(code)
