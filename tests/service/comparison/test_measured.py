import math

import numpy as np
import pytest

from gradclinic.comparison import MEASURED_FROM, RunResult, compare, measured, metrics_of
from gradclinic.measurements.record import Outcome, RunRecord, Series, SiteInfo, WeightInfo

DEPTH, STEPS = 5, 60
LOSSES = np.linspace(2.0, 1.0, STEPS)


def recorded(*, decades=2.0, updates=-1.0, losses=LOSSES, nonfinite_step=None, finished=True):
    """A run whose gradients fall by so many decades to the input, and whose updates fall likewise."""
    steps = np.arange(STEPS, dtype=np.int32)

    def fan(loss_of_decades):
        return np.tile(10.0 ** np.linspace(-loss_of_decades, 0, DEPTH), (STEPS, 1)).astype(np.float32)

    readout = np.ones((STEPS, 1), np.float32)
    outcome = Outcome(
        steps_done=STEPS,
        nonfinite_step=nonfinite_step,
        initial_train_loss=2.0,
        final_train_loss=float(losses[-1]),
        constant_loss=2.0,
        final_validation_loss=1.1,
        final_validation_accuracy=0.5,
        steps_to_target=None,
        train_seconds=1.0,
        recording_seconds=0.1,
    )
    return RunRecord(
        steps=STEPS,
        batch_size=32,
        sites=tuple(SiteInfo(f"{layer}.linear", "pre_activation", True, 8) for layer in range(DEPTH)),
        weights=tuple(WeightInfo(f"{layer}.linear", (8, 8), layer == DEPTH) for layer in range(DEPTH + 1)),
        series={
            "site_grad_rms": Series(steps, fan(decades)),
            "update_to_weight_ratio": Series(steps, np.hstack([fan(-updates), readout])),
            "train_loss": Series(steps, losses[:, None].astype(np.float32)),
            "probe_loss": Series(steps, losses[:, None].astype(np.float32)),
        },
        outcome=outcome if finished else None,
    )


def test_a_finished_run_has_the_contracts_metrics_and_those_of_its_statistics():
    metrics = metrics_of(recorded(decades=2.0, updates=-1.0))
    assert metrics["relative_train_loss"] == 0.5
    assert metrics["depth_slope"] == pytest.approx(2.0, abs=0.01)
    assert metrics["update_decades"] == pytest.approx(-1.0, abs=0.01)
    assert metrics["loss_spikes"] == 0
    assert metrics["steps_to_target"] is None


def test_a_run_under_way_has_none():
    assert metrics_of(recorded(finished=False)) == {}


def test_spikes_are_rises_of_a_twentieth_of_the_constant_predictors_loss():
    losses = LOSSES.copy()
    losses[[20, 40]] += 0.3
    losses[50] += 0.05
    assert metrics_of(recorded(losses=losses))["loss_spikes"] == 2


def test_a_layer_that_does_not_move_has_no_ratio():
    record = recorded()
    record.series["update_to_weight_ratio"].values[:, 0] = 0
    assert measured(record)["update_decades"] is None


def test_the_named_statistics_are_all_that_is_needed():
    whole = recorded()
    named = RunRecord(
        steps=whole.steps,
        batch_size=whole.batch_size,
        sites=whole.sites,
        weights=whole.weights,
        series={name: whole.series[name] for name in MEASURED_FROM},
        outcome=whole.outcome,
    )
    assert measured(named) == measured(whole)


def test_a_run_that_broke_off_with_a_finite_loss_still_ranks_worst():
    results = [
        RunResult("run", name, seed, metrics=metrics_of(recorded(nonfinite_step=step)))
        for name, step in (("baseline", None), ("arm", 30))
        for seed in range(3)
    ]
    effect = compare(results).arms[0].effects["final_validation_loss"]
    assert effect.difference is None
    assert (effect.wins, effect.losses) == (0, 3)
    assert math.isfinite(results[-1].metric("final_validation_loss"))
