"""What a check trains: what was posted, or the baseline's own experiment again."""

import pytest

from gradclinic.experiments.experiment import Experiment
from gradclinic.regression import CheckSpec, PinSpec
from gradclinic.remedies import apply_all
from gradclinic.remedies.add_batch_norm import AddBatchNorm
from gradclinic.remedies.swap_activation import SwapActivation
from gradclinic.store import Check
from gradclinic.use_cases.baseline import pin_baseline
from gradclinic.use_cases.check import submit_check
from gradclinic.use_cases.run import submit_run
from gradclinic.use_cases.service import Service

from ..api.examples import experiment
from ..api.serving import train

SICK = Experiment.model_validate(experiment(training={"steps": 5}))
RELU = SwapActivation(activation="relu")
POSTED = Experiment.model_validate(experiment(model={"depth": 2, "activation": "tanh"}, training={"steps": 5}))


@pytest.fixture
def cured(service: Service) -> Service:
    """A service whose baseline `main` is the sick experiment with a remedy."""
    run = submit_run(service, SICK, [RELU]).item
    train(service.settings, run.id)
    pin_baseline(service, "main", PinSpec(run_ids=(run.id,)))
    return service


def trained(service: Service, check: Check) -> Experiment:
    (run,) = service.store.checks.runs(check.id)
    return Experiment.model_validate(service.store.runs.get(run.id).resolved_experiment)


def test_an_experiment_that_is_posted_is_trained_as_it_was_posted(cured: Service) -> None:
    check = submit_check(cured, CheckSpec(baseline="main", experiment=POSTED))
    assert check.remedies == []
    assert trained(cured, check) == POSTED


def test_remedies_that_are_posted_change_what_is_posted(cured: Service) -> None:
    check = submit_check(cured, CheckSpec(baseline="main", experiment=POSTED, remedies=(AddBatchNorm(),)))
    assert trained(cured, check) == AddBatchNorm().apply(POSTED)


def test_without_an_experiment_the_baseline_is_trained_again_with_its_remedies(cured: Service) -> None:
    assert trained(cured, submit_check(cured, CheckSpec(baseline="main"))) == apply_all(SICK, [RELU])


def test_remedies_without_an_experiment_change_the_baselines_own(cured: Service) -> None:
    check = submit_check(cured, CheckSpec(baseline="main", remedies=(AddBatchNorm(),)))
    assert trained(cured, check) == AddBatchNorm().apply(SICK)
    untouched = submit_check(cured, CheckSpec(baseline="main", remedies=()))
    assert trained(cured, untouched) == SICK
