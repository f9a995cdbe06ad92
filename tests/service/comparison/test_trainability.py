from dataclasses import replace
from math import inf

import pytest

from gradclinic.comparison.trainability import SweptField, trainability
from gradclinic.kernel.errors import InsufficientData

from .runs import run

RATE, GAIN = "/optimizer/learning_rate", "/model/initialization/gain"


def at(result, rate, gain):
    return replace(result, sweep_point=((RATE, rate), (GAIN, gain)))


def test_a_map_shows_outcome_and_loss_at_every_point_for_each_arm():
    runs = [
        at(run(arm, seed, 0.2 if arm == "norm" or rate < 1 else float("nan"), condition), rate, gain)
        for arm in ("baseline", "norm")
        for seed in (0, 1, 2)
        for rate in (1.0, 0.1)
        for gain in (0.5, 2.0)
        for condition in ["healthy" if arm == "norm" or rate < 1 else "divergence"]
    ]
    shown = trainability(runs)
    bare, norm = shown.arms
    assert shown.x == SweptField(RATE, (0.1, 1.0))
    assert shown.y == SweptField(GAIN, (0.5, 2.0))
    assert [[cell.outcome for cell in row] for row in bare.cells] == [["healthy", "divergence"]] * 2
    assert [[cell.median for cell in row] for row in bare.cells] == [[0.2, inf], [0.2, inf]]
    assert (bare.trainable_fraction, norm.trainable_fraction) == (0.5, 1.0)
    assert {cell.runs for row in norm.cells for cell in row} == {3}


def test_points_that_have_not_ended_are_empty():
    runs = [at(run("baseline", 0, 0.2), 0.1, 1.0), at(run("baseline", 0, 0.2, status="running"), 1.0, 1.0)]
    ((ended, waiting),) = trainability(runs).arms[0].cells
    assert (ended.outcome, ended.learned_fraction, waiting) == ("healthy", 1.0, None)


def test_a_single_axis_is_a_map_of_one_row():
    runs = [replace(run("baseline", 0, rate), sweep_point=((RATE, rate),)) for rate in (0.1, 0.2)]
    shown = trainability(runs)
    assert shown.y is None
    assert [[cell.median for cell in row] for row in shown.arms[0].cells] == [[0.1, 0.2]]


def test_runs_that_were_not_swept_have_no_map():
    with pytest.raises(InsufficientData):
        trainability([run("baseline", 0, 0.2)])


def test_a_map_of_three_fields_is_refused_and_of_an_arm_without_an_ended_run_is_empty():
    three = replace(run("baseline", 0, 0.2), sweep_point=((RATE, 0.1), (GAIN, 1.0), ("/model/depth", 3)))
    with pytest.raises(InsufficientData, match="over 3"):
        trainability([three])
    waiting = trainability([at(run("baseline", 0, 0.2, status="running"), 0.1, 1.0)]).arms[0]
    assert (waiting.cells, waiting.trainable_fraction) == (((None,),), None)


def test_fractions_and_medians_are_those_of_the_runs_of_a_point():
    runs = [
        at(run("baseline", seed, loss, condition), 0.1, 1.0)
        for seed, (loss, condition) in enumerate(
            [(0.2, "healthy"), (2.3, "dead_units"), (2.4, "dead_units"), (float("nan"), "divergence")]
        )
    ]
    unswept = run("baseline", 9, 0.1)
    shown = trainability([*runs, unswept]).arms[0]
    assert shown.trainable_fraction == 0.25
    ((cell,),) = shown.cells
    assert (cell.outcome, cell.learned_fraction, cell.runs) == ("dead_units", 0.25, 4)
    assert cell.median == pytest.approx(2.35)


def test_a_run_that_lacks_one_of_the_fields_has_no_place():
    one = replace(run("baseline", 1, 0.3), sweep_point=((RATE, 0.5),))
    shown = trainability([at(run("baseline", 0, 0.2), 0.1, 1.0), one])
    assert shown.x.values == (0.1, 0.5)
    ((known, missing),) = shown.arms[0].cells
    assert (known.runs, missing) == (1, None)
