import numpy as np

from gradclinic.measurements.record import Series
from gradclinic.pages.figures import ArmCurve, arm_curves


def seed(values, steps=None):
    values = np.asarray(values, dtype=np.float32)
    return Series(np.arange(len(values), dtype=np.int32) if steps is None else np.asarray(steps), values[:, None])


def test_the_line_is_the_median_and_the_band_spans_all_seeds():
    figure = arm_curves([ArmCurve("a", [seed([3.0, 2.0]), seed([2.0, 1.5]), seed([1.0, 1.0])])], title="")
    band, line = figure["data"]
    assert line["y"] == [2.0, 1.5]
    assert (band["x"], band["y"]) == ([0.0, 1.0, 1.0, 0.0], [3.0, 2.0, 1.0, 1.0])


def test_an_arm_with_one_seed_has_no_band_and_the_baseline_is_grey():
    figure = arm_curves([ArmCurve("baseline", [seed([1.0, 2.0])], reference=True)], title="")
    (line,) = figure["data"]
    assert line["line"]["color"] == "#7F7F7F"


def test_a_seed_that_diverged_is_left_out_from_then_on_and_counted():
    figure = arm_curves([ArmCurve("a", [seed([1.0, 1.0]), seed([3.0, np.inf])])], title="")
    band, line = figure["data"]
    assert line["name"] == "a (1 of 2 seeds not finite)"
    assert line["y"] == [2.0, 1.0]
    assert band["y"] == [3.0, 1.0, 1.0, 1.0]


def test_seeds_that_were_recorded_at_other_steps_are_laid_over_each_other():
    figure = arm_curves([ArmCurve("a", [seed([1.0, 3.0], [0, 4]), seed([2.0], [2])])], title="")
    assert figure["data"][1]["x"] == [0.0, 2.0, 4.0]
    assert figure["data"][1]["y"] == [1.0, 2.0, 3.0]


def test_many_steps_are_pooled_and_no_spike_is_lost_from_the_band():
    values = np.ones(5000)
    values[1234] = 40.0
    band, line = arm_curves([ArmCurve("a", [seed(values), seed(np.ones(5000))])], title="")["data"]
    assert len(line["x"]) == 300
    assert max(band["y"]) == 40.0


def test_losses_over_orders_of_magnitude_are_drawn_in_them():
    steep = arm_curves([ArmCurve("a", [seed([2.3, 1e-4])])], constant_loss=2.3, title="")
    assert steep["layout"]["yaxis"]["type"] == "log"
    flat = arm_curves([ArmCurve("a", [seed([2.3, 2.2])])], constant_loss=2.3, title="")
    assert flat["layout"]["yaxis"]["range"][0] == 0


def test_losses_far_apart_are_drawn_in_orders_of_magnitude_even_if_it_is_not_known_what_learning_nothing_costs():
    steep = arm_curves([ArmCurve("a", [seed([2.3, 1e18])]), ArmCurve("b", [seed([2.3, 2.2])])], title="")
    assert steep["layout"]["yaxis"]["type"] == "log"
    assert "type" not in arm_curves([ArmCurve("a", [seed([2.3, 0.3])])], title="")["layout"]["yaxis"]


def test_a_loss_below_zero_is_on_the_axis_and_so_is_a_tiny_one():
    for values in (np.linspace(0.03, -0.95, 20), np.full(20, 2e-9)):
        low, high = arm_curves([ArmCurve("a", [seed(values)])], title="")["layout"]["yaxis"]["range"]
        assert low <= min(0.0, values.min())
        assert max(0.0, values.max()) < high < 10 * abs(values).max()
