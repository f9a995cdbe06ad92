from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest

from gradclinic.diagnosis import extract
from gradclinic.measurements.record import Series, SiteInfo

from .records import changed, failed, healthy_record, outcome, truncated


def test_stacked_recurrent_layers_are_judged_by_the_steepest() -> None:
    sites = tuple(
        SiteInfo(f"{g}.recurrent.t{t}", "state", in_profile=True, units=32, group=f"{g}.recurrent")
        for g in (0, 1)
        for t in range(5)
    )
    levels = np.concatenate([10.0 ** np.linspace(-5, 0, 5), np.ones(5)])
    features = extract(replace(changed(healthy_record(), {"site_grad_rms": levels}), sites=sites))
    assert features.profile is not None
    assert features.profile.group == "0.recurrent"
    assert features.depth_slope_start == pytest.approx(5.0, abs=1e-5)


def test_frozen_layers_do_not_count_for_the_size_of_the_steps() -> None:
    record = healthy_record()
    weights = tuple(replace(weight, trainable=False) for weight in record.weights[:-1]) + record.weights[-1:]
    levels = np.full(11, 5.0)
    levels[-1] = 0.001
    features = extract(replace(changed(record, {"update_to_weight_ratio": levels}), weights=weights))
    assert features.total_update == pytest.approx(0.3, rel=0.05)


# --- the same run, whose gradient decays a hundredth of an order of magnitude more at every step -------------------

STEPS = np.arange(300)


def with_gradients(rows, **fields):
    record = healthy_record()
    series = {**record.series, "site_grad_rms": Series(STEPS.astype(np.int32), rows.astype(np.float32))}
    return replace(record, series=series, **fields)


def test_a_slope_is_told_at_the_start_over_the_first_quarter_and_over_the_last():
    found = extract(with_gradients(10.0 ** np.outer(STEPS / 100, np.linspace(-1.0, 0.0, 10))))
    assert found.depth_slope_start == pytest.approx(0.0, abs=1e-6)
    assert found.depth_slope_early == pytest.approx(0.37, abs=1e-4)  # the median of the steps 0 to 74
    assert found.depth_slope_late == pytest.approx(2.62, abs=1e-4)  # of 225 to 299


def test_what_is_late_in_a_run_that_broke_off_is_counted_from_where_it_broke_off():
    rows = 10.0 ** np.outer(STEPS / 100, np.linspace(-1.0, 0.0, 10))
    record = truncated(with_gradients(rows, outcome=failed(steps_done=40, nonfinite_step=40)), 40)
    record = changed(record, {"dead_fraction": lambda steps: steps / 100})
    found = extract(record)
    assert found.depth_slope_late == pytest.approx(0.34, abs=1e-4)  # of 30 to 39
    assert found.dead == pytest.approx(np.full(10, 0.25))  # of 20, 25, 30, 35: the lower of the two in the middle
    ended = failed(steps_done=10, nonfinite_step=10)
    assert extract(replace(truncated(record, 11), outcome=ended)).dead == pytest.approx(np.full(10, 0.05))


@pytest.mark.parametrize("sign", [1, -1])
def test_a_layer_that_stands_out_is_told_at_the_start_and_over_the_first_quarter(sign):
    lost = np.zeros((300, 10))
    lost[:, :4] = -sign * (1.0 + STEPS[:, None] / 100)
    found = extract(with_gradients(10.0**lost))
    assert found.local_loss_start == pytest.approx(1.0 if sign > 0 else 0.0)
    assert found.local_loss_early == pytest.approx(1.37 if sign > 0 else 0.0)
    assert found.local_gain_start == pytest.approx(0.0 if sign > 0 else 1.0)


def test_only_unbounded_units_die_and_only_bounded_ones_saturate():
    record = healthy_record(layers=4)
    kinds = ((True, False), (True, True), (False, True), (False, False))
    sites = tuple(
        replace(site, can_die=can_die, bounded=bounded)
        for site, (can_die, bounded) in zip(record.sites, kinds, strict=True)
    )
    levels = {"dead_fraction": lambda steps: 0.2 + steps / 1000, "saturated_fraction": lambda steps: 0.3 + steps / 1000}
    found = extract(replace(changed(record, levels), sites=sites))
    assert found.dead == pytest.approx([0.425, nan, nan, nan], nan_ok=True)  # the median of 150 to 300
    assert found.dead_start == pytest.approx([0.2, nan, nan, nan], nan_ok=True)
    assert found.saturated_start == pytest.approx([nan, 0.3, 0.3, nan], nan_ok=True)
    assert found.saturated_late == pytest.approx([nan, 0.52, 0.52, nan], nan_ok=True)  # of 150 to 290
    assert (found.dead_max, found.dead_mean) == pytest.approx((0.425, 0.425))
    assert (found.saturated_start_mean, found.saturated_late_mean) == pytest.approx((0.3, 0.52))


def test_before_half_of_the_steps_are_done_the_last_record_is_the_latest():
    record = changed(truncated(healthy_record(), 100), {"dead_fraction": lambda steps: steps / 100}, outcome=None)
    found = extract(record)
    assert found.dead == pytest.approx(np.full(10, 0.95))
    assert (found.steps_done, found.finished, found.relative_train_loss) == (100, False, None)


def test_what_was_first_recorded_later_says_nothing_about_the_start():
    record = healthy_record()
    dead = record.series["dead_fraction"]
    later = Series(dead.steps[1:], dead.values[1:])
    found = extract(replace(record, series={**record.series, "dead_fraction": later}))
    assert np.isnan(found.dead_start).all()
    assert found.dead == pytest.approx(np.full(10, 0.05))
    nothing = extract(
        replace(record, series={**record.series, "dead_fraction": Series(dead.steps[:0], dead.values[:0])})
    )
    assert np.isnan(nothing.dead_start).all()
    assert np.isnan(nothing.dead).all()


def test_all_steps_together_move_a_layer_by_their_sum_and_gradients_are_held_against_the_weights():
    found = extract(healthy_record())
    assert found.total_update == pytest.approx(300 * 0.005)
    assert found.relative_gradient == pytest.approx(0.3 / 6.0)
    levels = np.full(11, 0.002)
    levels[:2] = 0.004, nan
    some = extract(changed(healthy_record(), {"update_to_weight_ratio": levels}))
    assert some.total_update == pytest.approx(300 * 0.004)


def test_where_nothing_can_be_trained_nothing_moves():
    record = healthy_record()
    frozen = replace(record, weights=tuple(replace(weight, trainable=False) for weight in record.weights))
    found = extract(frozen)
    assert (found.total_update, found.relative_gradient) == (None, None)


def test_weights_that_began_at_0_have_no_size_to_compare_steps_with():
    """As the last layer of many networks does by design; if all began so, they are all there is."""
    record = healthy_record(layers=2)
    steps = record.series["weight_norm_l2"].steps
    updates, grown = np.full((len(steps), 3), 0.004), np.full((len(steps), 3), 6.0)
    updates[:, 2], grown[:, 2] = 1.0 / np.maximum(steps, 1), steps / 1000.0
    updates[0, 2] = inf
    head = changed(record, {"update_to_weight_ratio": updates, "weight_norm_l2": grown})
    found = extract(head)
    assert found.total_update == pytest.approx(300 * 0.004)
    assert found.relative_gradient == pytest.approx(0.3 / 6.0)
    all_so = changed(head, {"weight_norm_l2": np.repeat(steps[:, None] / 1000.0, 3, axis=1)})
    assert extract(all_so).total_update > 2.0


@pytest.mark.parametrize(
    ("constant", "final", "step", "found"),
    [
        (2.3, 0.1, None, None),
        (2.3, nan, None, 300),
        (2.3, inf, None, 300),
        (None, nan, None, 300),
        (nan, nan, None, None),
        (2.3, 0.1, 7, 7),
        (2.3, nan, 7, 7),
    ],
)
def test_a_final_loss_that_is_not_finite_counts_as_the_last_step_unless_that_of_the_average_is_not_either(
    constant, final, step, found
):
    ended = outcome(constant_loss=constant, final_train_loss=final, nonfinite_step=step)
    features = extract(changed(healthy_record(), outcome=ended))
    assert features.nonfinite_step == found
    assert features.diverged is (found is not None)


def test_of_a_running_training_the_first_loss_or_gradient_that_is_not_finite_counts():
    running = changed(
        truncated(healthy_record(), 60),
        {
            "train_loss": lambda steps: np.where(steps < 30, 1.0, nan),
            "grad_norm_l2": lambda steps: np.where(steps < 20, 1.0, inf),
        },
        outcome=None,
    )
    assert extract(running).nonfinite_step == 20
    assert extract(running).finite_records == 30


def probed(losses, *, every=10, steps_done=80):
    steps = np.arange(len(losses), dtype=np.int32) * every
    features = extract(healthy_record())
    return replace(features, probe_steps=steps, probe_loss=np.array(losses, float), steps_done=steps_done)


def test_the_level_between_two_points_counts_the_probes_on_them():
    found = probed([0, 1, 2, 3, 4, 5, 6, 7])
    assert found.level(0.25, 0.5) == 3.0
    assert found.level(0.25, 0.375) == 2.5
    assert found.level(0.9, 1.0) is None
    assert probed([0, 1, 2, 3, 4, 5, 6]).level(0.0, 1.0) is None


def test_losses_are_taken_from_a_part_of_the_steps_on_and_of_batches_where_nothing_was_probed():
    found = probed([0, 1, 2, 3, 4, 5, 6, 7])
    assert found.losses_from(0.5).tolist() == [4, 5, 6, 7]
    batches = replace(found, probe_steps=STEPS[:0], probe_loss=np.zeros(0))
    batches = replace(batches, batch_steps=np.array([0, 40, 60]), batch_loss=np.array([0.1, 0.2, 0.3]))
    assert batches.losses_from(0.5).tolist() == [0.2, 0.3]


def test_swings_are_counted_after_what_is_skipped():
    swings = probed([0, 1, 0, 1, 0, 1, 0, 1]).swings(skip=0.5, rise=0.5)
    assert (swings.intervals, swings.rises, swings.steps) == (3, 2, (50, 70))
