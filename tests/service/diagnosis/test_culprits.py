"""Which layers are at fault, by hand."""

from dataclasses import replace
from math import nan

import numpy as np
import pytest

from gradclinic.diagnosis.culprits import along_depth, dead_layers, saturated_layers
from gradclinic.diagnosis.features import extract
from gradclinic.measurements.record import Series

from .records import changed, healthy_record

RECORD = healthy_record(layers=4)


def dead(*fractions):
    return dead_layers(np.array(fractions), RECORD, layer=0.99, share=0.5)


def saturated(*fractions, record=RECORD):
    return saturated_layers(np.array(fractions), record, share=0.5)


def test_layers_of_which_half_is_dead_are_named_worst_first():
    assert dead(0.5, 0.7, 0.49, 0.6) == ("2.linear", "6.linear", "0.linear")


def test_a_layer_behind_one_that_passes_nothing_on_is_only_silent():
    assert dead(0.99, 1.0, 0.6, 0.9) == ("0.linear", "6.linear")
    assert dead(0.98, 1.0, 0.6, 0.1) == ("2.linear", "0.linear")


def test_a_layer_that_cannot_die_passes_on_what_it_gets():
    assert dead(1.0, nan, 0.8, 0.8) == ("0.linear", "6.linear")


def test_layers_of_which_half_is_saturated_are_named_worst_first():
    assert saturated(0.5, 0.9, 0.49, nan) == ("2.linear", "0.linear")


def test_the_time_steps_of_a_recurrent_layer_count_as_the_worst_of_them():
    sites = tuple(replace(site, group="rnn") if index < 2 else site for index, site in enumerate(RECORD.sites))
    assert saturated(0.6, 0.9, 0.7, 0.1, record=replace(RECORD, sites=sites)) == ("rnn", "4.linear")
    assert saturated(0.9, 0.6, 0.7, 0.1, record=replace(RECORD, sites=sites)) == ("rnn", "4.linear")


# --- along the depth: six layers, and the orders of magnitude lost from each to the one before it ----------------


def losing(*losses, record=None, until=None, then=None):
    """The record whose gradient loses so much between successive layers; from a step on, other amounts."""
    record = record if record is not None else healthy_record(layers=len(losses) + 1)
    steps = record.series["site_grad_rms"].steps
    rows = np.tile(levels(losses), (len(steps), 1))
    if until is not None:
        rows[steps >= until] = levels(then)
    return with_rows(record, rows)


def levels(losses):
    return 10.0 ** (np.append(0.0, np.cumsum(losses)) - np.sum(losses))


def with_rows(record, rows):
    steps = record.series["site_grad_rms"].steps
    return replace(record, series={**record.series, "site_grad_rms": Series(steps, rows.astype(np.float32))})


def culprits(record, *, sign=1):
    found = along_depth(extract(record), record, sign=sign)
    return found.layers, found.local, found.worst_factor, found.typical_factor


def test_a_layer_that_loses_half_of_all_is_the_culprit_alone():
    expected = (("6.linear",), True, pytest.approx(0.01, rel=1e-4), pytest.approx(10**-0.1, rel=1e-4))
    assert culprits(losing(0.1, 0.1, 2.0, 0.1, 0.1)) == expected


def test_a_layer_that_gains_is_told_by_its_growth():
    expected = (("6.linear",), True, pytest.approx(100.0, rel=1e-4), pytest.approx(10**0.1, rel=1e-4))
    assert culprits(losing(-0.1, -0.1, -2.0, -0.1, -0.1), sign=-1) == expected


def test_without_one_that_stands_out_the_layers_are_named_that_lose_half_as_much_as_the_typical_one():
    layers, local, worst, typical = culprits(losing(0.3, 0.5, 0.4, 0.2, 0.1))
    assert (layers, local) == (("4.linear", "6.linear", "2.linear", "8.linear"), False)
    assert (worst, typical) == (pytest.approx(10**-0.5, rel=1e-4), pytest.approx(10**-0.3, rel=1e-4))


def test_a_layer_that_stands_out_and_loses_less_than_half_of_all_is_only_the_first_of_many():
    layers, local, worst, _ = culprits(losing(0.6, 0.6, 0.6, -0.3, 0.6, 0.6, 1.3, 0.6, 0.6))
    assert not local
    assert layers == (
        "14.linear",
        "2.linear",
        "4.linear",
        "6.linear",
        "10.linear",
        "12.linear",
        "16.linear",
        "18.linear",
    )
    assert worst == pytest.approx(10**-1.3, rel=1e-4)


def of_profile(*rows, sign=1):
    """The culprits if each record has exactly these losses between successive layers."""
    record = healthy_record(layers=len(rows[0]) + 1)
    found = extract(record)
    logs = np.array([np.append(0.0, np.cumsum(row)) for row in rows])
    steps = 10 * np.arange(len(rows), dtype=np.int32)
    slope = logs[:, -1] - logs[:, 0]
    profile = replace(found.profile, steps=steps, log10_gradient=sign * logs, slope=sign * slope, slope_error=0 * slope)
    return along_depth(replace(found, profile=profile), record, sign=sign)


@pytest.mark.parametrize(("worst", "local"), [(2.0, True), (1.875, False)])
def test_a_layer_that_stands_out_is_at_fault_alone_if_it_loses_half_of_all(worst, local):
    found = of_profile((0.5, 0.5, worst, 0.5, 0.5))
    assert (found.local, found.layers[0], len(found.layers)) == (local, "6.linear", 1 if local else 5)


@pytest.mark.parametrize(("least", "named"), [(0.25, 4), (0.125, 3)])
def test_a_layer_that_loses_half_of_what_the_typical_one_loses_is_named(least, named):
    assert len(of_profile((least, 0.5, 0.5, 0.5)).layers) == named


def test_a_layer_that_loses_nothing_is_not_named_even_if_the_typical_one_gains():
    assert of_profile((-0.5, -0.25, 0.0, -0.25, 0.125)).layers == ("10.linear",)


def test_a_start_that_is_as_steep_as_what_follows_is_no_exception():
    assert of_profile((1.0, 0.0, 0.0), *[(0.0, 0.0, 1.0)] * 20).layers == ("6.linear",)
    assert of_profile((1.25, 0.0, 0.0), *[(0.0, 0.0, 1.0)] * 20).layers == ("2.linear",)


def test_it_is_the_first_quarter_that_counts():
    record = losing(0.1, 0.1, 2.0, 0.1, 0.1, until=60, then=(0.1, 0.1, 0.1, 2.0, 0.1))
    rows = np.array(record.series["site_grad_rms"].values)
    rows[:10] = levels((0.1, 1.5, 0.1, 0.1, 0.1))
    assert culprits(with_rows(record, rows))[0] == ("6.linear",)


def test_a_start_that_is_steeper_than_what_follows_counts_alone():
    assert culprits(losing(0.0, 3.0, 0.0, 0.0, 0.0, until=3, then=(0.1, 0.1, 0.1, 1.0, 0.1)))[0] == ("4.linear",)


def test_records_that_are_not_finite_are_passed_over():
    record = losing(0.1, 0.1, 2.0, 0.1, 0.1)
    rows = np.array(record.series["site_grad_rms"].values)
    rows[:100, 2] = nan
    assert culprits(with_rows(record, rows))[0] == ("6.linear",)


@pytest.mark.parametrize(("statistic", "kind"), [("saturated_fraction", "bounded"), ("dead_fraction", "mortal")])
def test_a_layer_that_is_blocked_itself_is_named_and_not_the_weights_behind_it(statistic, kind):
    record = healthy_record(layers=6, bounded=kind == "bounded", can_die=kind == "mortal")
    for fraction, named in ((0.5, "4.linear"), (0.49, "6.linear")):
        blocked = changed(record, {statistic: np.array([0, 0, fraction, 0, 0, 0])})
        assert culprits(losing(0.1, 0.1, 2.0, 0.1, 0.1, record=blocked))[0] == (named,)
        grown = losing(-0.1, -0.1, -2.0, -0.1, -0.1, record=blocked)
        assert culprits(grown, sign=-1)[0] == ("6.linear",)


def test_where_the_gradient_is_zero_everywhere_whatever_blocks_it_is_named():
    level = changed(healthy_record(layers=6), {"site_grad_rms": 0.0})
    dying = changed(level, {"dead_fraction": np.array([0, 0, 0.6, 0, 0, 0])})
    flat = changed(healthy_record(layers=6, bounded=True, can_die=False), {"site_grad_rms": 0.0})
    flat = changed(flat, {"saturated_fraction": np.array([0, 0, 0, 0.5, 0, 0])})
    assert culprits(level)[0] == ()
    assert culprits(dying)[0] == ("4.linear",)
    assert culprits(flat)[0] == ("6.linear",)


def test_without_a_profile_there_are_no_culprits():
    assert culprits(healthy_record(layers=1)) == ((), False, 1.0, 1.0)
