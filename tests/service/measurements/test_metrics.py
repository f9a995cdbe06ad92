import math
from dataclasses import replace

import pytest

from gradclinic.kernel.codec import decode, encode
from gradclinic.measurements.metrics import MEASURED_FROM, RunMetrics, metrics_of
from gradclinic.store.column_types import plain

from .records import LOSSES, recorded


def test_a_finished_run_has_the_contracts_metrics_and_those_of_its_statistics():
    metrics = metrics_of(recorded(decades=2.0, updates=-1.0))
    assert metrics.relative_train_loss == 0.5
    assert metrics.depth_slope == pytest.approx(2.0, abs=0.01)
    assert metrics.update_decades == pytest.approx(-1.0, abs=0.01)
    assert metrics.loss_spikes == 0
    assert metrics.steps_to_target is None


def test_a_run_under_way_has_none():
    assert metrics_of(recorded(finished=False)) is None


def test_spikes_are_rises_of_a_twentieth_of_the_constant_predictors_loss():
    losses = LOSSES.copy()
    losses[[20, 40]] += 0.3
    losses[50] += 0.05
    assert metrics_of(recorded(losses=losses)).loss_spikes == 2


def test_a_layer_that_does_not_move_has_no_ratio():
    record = recorded()
    record.series["update_to_weight_ratio"].values[:, 0] = 0
    assert metrics_of(record).update_decades is None


def test_the_named_statistics_are_all_that_is_needed():
    whole = recorded()
    named = replace(whole, series={name: whole.series[name] for name in MEASURED_FROM})
    assert metrics_of(named) == metrics_of(whole)


def test_a_run_that_was_stopped_early_says_what_fraction_of_its_steps_was_saved():
    whole = recorded()
    stopped = replace(whole.outcome, steps_done=15, stopped_on="vanishing_gradients")
    assert metrics_of(replace(whole, outcome=stopped)).saved_share == 0.75
    assert metrics_of(whole).saved_share is None


def test_every_metric_is_stored_and_read_as_it_was():
    whole = recorded()
    diverged = replace(whole.outcome, final_train_loss=math.inf)
    for record in (whole, replace(whole, outcome=diverged, parameters=12)):
        assert decode(RunMetrics, plain(encode(metrics_of(record)))) == metrics_of(record)
