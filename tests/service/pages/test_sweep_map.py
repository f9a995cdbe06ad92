from dataclasses import dataclass

import numpy as np

from gradclinic.pages.chosen_runs import MOST, address_of
from gradclinic.pages.sweep_map import Colours, sweep_map

from .test_figures import GAINS, RATES, swept

LOSSES = Colours(log=True, lower_is_better=True, worst=None)


@dataclass(frozen=True)
class Placed:
    """What a map needs of a run."""

    id: str
    arm: str
    point: dict


def runs(*arms, seeds=1, y=True):
    return [
        Placed(f"run_{seed}", arm, {"/optimizer/learning_rate": rate, **({"/model/gain": gain} if y else {})})
        for arm in arms
        for rate in RATES
        for gain in (GAINS if y else GAINS[:1])
        for seed in range(seeds)
    ]


def test_there_is_a_table_for_each_arm_with_the_largest_value_on_top():
    found = sweep_map(swept("a", "b"), runs("a", "b"), LOSSES)
    assert (found.x, found.y, found.columns) == ("learning rate", "gain", ["0.01", "0.1", "1", "10"])
    assert [panel.title for panel in found.panels] == ["a: 50 % learned", "b: 50 % learned"]
    assert [row.heading for row in found.panels[0].rows] == ["1.5", "1", "0.5"]
    assert [cell.value for cell in found.panels[0].rows[0].cells] == list(RATES)
    assert found.panels[0].rows[0].cells[0].words == (
        "learning rate 0.01, gain 1.5: insufficient evidence, 1 of 1 runs learned"
    )


def test_over_one_field_the_arms_are_the_rows_of_one_table():
    found = sweep_map(swept("a", "b", y=False), runs("a", "b", y=False), LOSSES)
    (panel,) = found.panels
    assert (found.y, [row.heading for row in panel.rows]) == ("arm", ["a", "b"])


def test_a_cell_leads_to_its_run_or_compares_its_seeds():
    (panel,) = sweep_map(swept("a"), runs("a"), LOSSES).panels
    assert panel.rows[0].cells[0].address == "/runs/run_0"
    (panel,) = sweep_map(swept("a"), runs("a", seeds=2), LOSSES).panels
    assert panel.rows[0].cells[0].address == "/compare?run=run_0&run=run_1"
    assert address_of([f"run_{index}" for index in range(50)]).count("run=") == MOST


def test_the_best_value_has_the_first_colour_and_what_is_not_finite_its_own():
    (panel,) = sweep_map(swept("a", loss=lambda rate, gain: rate if rate < 10 else np.nan), runs("a"), LOSSES).panels
    assert [cell.shade for cell in panel.rows[0].cells] == ["shade-0", "shade-3", "shade-6", "not-finite"]
    (panel,) = sweep_map(swept("a"), runs("a"), Colours(log=True, lower_is_better=False, worst=None)).panels
    assert [cell.shade for cell in panel.rows[0].cells][::3] == ["shade-6", "shade-0"]


def test_a_map_of_many_cells_is_left_to_the_figure():
    arms = [f"arm {index}" for index in range(40)]
    assert sweep_map(swept(*arms), runs(*arms), LOSSES) is None
