"""The figures as pure functions: what they show, what they leave out, and that Plotly itself accepts them."""

import json
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest

from gradclinic.comparison import (
    ArmComparison,
    Comparison,
    Cost,
    Effect,
    RatioEffect,
    RunResult,
    compare,
)
from gradclinic.comparison.trainability import TrainabilityMap, trainability
from gradclinic.kernel.errors import InsufficientData
from gradclinic.measurements.record import Series
from gradclinic.pages.figures import (
    Entrant,
    Line,
    Validation,
    curves,
    heatmap,
    profile,
    race,
    ranking,
    trainability_map,
)
from gradclinic.pages.figures.trainability import is_logarithmic

from ..metrics import metrics

LAYERS = [f"{2 * index}.linear" for index in range(12)]


def gradients(values) -> Series:
    values = np.atleast_2d(np.asarray(values, dtype=np.float32))
    return Series(np.arange(len(values), dtype=np.int32), values)


def curve(values) -> Series:
    return gradients(np.asarray(values, dtype=np.float32)[:, None])


def vanishing(steps: int = 40) -> Series:
    return gradients(np.tile(10.0 ** (-0.8 * np.arange(12)[::-1]), (steps, 1)))


def healthy(steps: int = 40) -> Series:
    """Level over depth, and a thousandth of its size at the end, since the network has learned."""
    return gradients(np.geomspace(1.0, 1e-3, steps)[:, None] * np.linspace(0.8, 1.2, 12))


def arm(rank: int, name: str, **effect) -> ArmComparison:
    return ArmComparison(
        arm=name,
        rank=rank,
        verdict="cures",
        verdict_so_far="cures",
        reason="",
        seeds_needed=None,
        runs=3,
        pending=0,
        lost=0,
        paired_by="seed",
        conditions={},
        baseline_conditions={},
        new_conditions={},
        conditions_by_seed=(),
        diagnoses=(),
        learned=3,
        effects=effect,
        cost=Cost(None, None, None),
    )


def ratio(middle, interval=None, **more) -> RatioEffect:
    return RatioEffect(**vars(difference(middle, interval)) | {"ratio": middle, "ratio_interval": interval} | more)


def difference(middle, interval=None) -> Effect:
    return Effect(
        difference=middle,
        interval=interval,
        confidence=0.95,
        wins=3,
        losses=0,
        pairs=3,
        p_value=0.25,
        unit="",
        baseline_mean=1.0,
        arm_mean=1.0,
    )


def comparison(*arms: ArmComparison, metric: str = "final_validation_loss") -> Comparison:
    return replace(compare([], arms=["baseline"]), metric=metric, arms=arms)


RATES, GAINS = (0.01, 0.1, 1.0, 10.0), (0.5, 1.0, 1.5)


def swept(*arms: str, y: bool = True, loss=lambda rate, gain: rate) -> TrainabilityMap:
    """What `trainability` says of a sweep whose runs end with a loss of the learning rate and the gain."""
    return trainability(
        RunResult(
            run_id=f"{arm} {rate} {gain}",
            arm=arm,
            seed=0,
            metrics=metrics(final_validation_loss=loss(rate, gain), relative_train_loss=loss(rate, gain)),
            sweep_point=(("/optimizer/learning_rate", rate), ("/model/gain", gain))[: 2 if y else 1],
        )
        for arm in arms
        for rate in RATES
        for gain in (GAINS if y else GAINS[:1])
    )


def drawn_map(found: TrainabilityMap, **options) -> dict:
    return trainability_map(found, log=True, lower_is_better=True, **options)


FIGURES = {
    "race": lambda: race([Entrant("a", [("screen", 0.1), ("race", np.inf)])], rounds=["screen", "race"]),
    "no race": lambda: race([], rounds=["screen"]),
    "map": lambda: drawn_map(swept("baseline", "norm")),
    "map over one field": lambda: drawn_map(swept("baseline", "norm", y=False)),
    "map of many arms": lambda: drawn_map(swept(*"abcdefg")),
    "heatmap": lambda: heatmap(vanishing(), LAYERS),
    "relative heatmap": lambda: heatmap(vanishing(), LAYERS, scale="relative"),
    "one cell": lambda: heatmap(gradients([[1.0]]), LAYERS[:1]),
    "profile": lambda: profile([Line("measured", LAYERS, vanishing().values[0])], title="Profile"),
    "no profile": lambda: profile([], title="Profile"),
    "curves": lambda: curves({"train_loss": curve([2.3, 2.2]), "grad_norm_l2": curve([1.0, 0.5])}, constant_loss=2.3),
    "no curves": lambda: curves({}),
    "ranking": lambda: ranking(comparison(arm(1, "norm", final_validation_loss=ratio(0.1, (0.05, 0.2))))),
}


@pytest.mark.parametrize("name", FIGURES)
def test_plotly_accepts_every_figure_and_json_loses_nothing(name):
    figure = FIGURES[name]()
    assert go.Figure(figure).to_plotly_json()["data"] is not None
    assert json.loads(json.dumps(figure, allow_nan=False)) == figure


def colours(figure) -> np.ndarray:
    """Where each cell lies on the colour scale, 0 to 1."""
    trace = figure["data"][0]
    z = np.array(trace["z"], dtype=float)
    return (z - trace["zmin"]) / (trace["zmax"] - trace["zmin"])


def test_vanishing_gradients_run_through_the_whole_scale():
    shown = colours(heatmap(vanishing(), LAYERS))
    assert shown[0].max() < 0.05
    assert shown[-1].min() > 0.95


def test_healthy_gradients_share_one_colour_at_each_step_though_they_shrink_as_the_loss_does():
    shown = colours(heatmap(healthy(), LAYERS))
    assert (shown.max(axis=0) - shown.min(axis=0)).max() < 0.05
    assert shown.min() > 0.5


def test_against_the_output_healthy_is_the_middle_and_vanishing_the_lower_end():
    assert np.abs(colours(heatmap(healthy(), LAYERS, scale="relative")) - 0.5).max() < 0.05
    assert colours(heatmap(vanishing(), LAYERS, scale="relative"))[0].max() < 0.05
    assert colours(heatmap(gradients(vanishing().values[:, ::-1]), LAYERS, scale="relative"))[0].min() > 0.95


def test_a_cell_with_a_nan_has_a_colour_of_its_own_even_if_it_is_one_of_thousands():
    series = vanishing(2000)
    series.values[777, 3] = np.nan
    marks = np.array([[cell == 1 for cell in row] for row in heatmap(series, LAYERS)["data"][1]["z"]])
    assert marks.sum() == 1
    assert marks[3].any()


def test_a_gradient_of_exactly_zero_is_the_lowest_of_all_and_no_gap():
    figure = heatmap(gradients([[0.0, 1e-3, 1.0]]), LAYERS[:3])
    assert figure["data"][0]["z"][0] == [-45.0]
    assert len(figure["data"]) == 1


def test_gradients_that_are_all_exactly_zero_are_dark():
    assert colours(heatmap(gradients(np.zeros((5, 3))), LAYERS[:3])).max() < 0.05


def test_pooling_keeps_the_mean_of_the_logarithms_and_stays_small():
    rng = np.random.default_rng(0)
    values = 10.0 ** rng.normal(size=(2000, 300))
    figure = heatmap(gradients(values), [f"{index}.linear" for index in range(300)])
    z = np.array(figure["data"][0]["z"])
    assert z.shape == (120, 240)
    assert z.mean() == pytest.approx(np.log10(values).mean(), abs=0.01)
    assert len(json.dumps(figure)) < 300_000


def test_a_profile_names_the_layers_where_all_lines_share_them():
    shared = profile([Line("a", LAYERS, np.ones(12)), Line("b", tuple(LAYERS), np.ones(12))], title="")
    assert shared["layout"]["xaxis"]["ticktext"][0] == "0.linear"
    different = profile([Line("a", LAYERS, np.ones(12)), Line("b", LAYERS[:5], np.ones(5))], title="")
    assert different["layout"]["xaxis"]["ticktext"] == ["input", "", "output"]
    assert different["data"][1]["x"] == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_the_profile_of_a_healthy_network_looks_level_and_that_of_a_sick_one_fills_the_axis():
    level = profile([Line("a", LAYERS, np.linspace(1e-2, 2e-2, 12))], title="")
    low, high = level["layout"]["yaxis"]["range"]
    assert high - low == pytest.approx(3.0)
    assert low < np.log10(1e-2) < np.log10(2e-2) < high
    assert "range" not in profile([Line("a", LAYERS, vanishing().values[0])], title="")["layout"]["yaxis"]


def test_the_band_of_a_profile_leaves_out_layers_where_a_seed_is_zero_or_not_finite():
    names = LAYERS[:4]
    line = Line("a", names, [1.0] * 4, band=([0.5, 0.0, 0.5, 0.5], [2.0, 2.0, np.inf, 2.0]))
    band, drawn = profile([line], title="")["data"]
    assert (band["y"], band["legendgroup"]) == ([2.0, 2.0, 0.5, 0.5], drawn["legendgroup"])
    assert len(profile([Line("a", names, [1.0] * 4)], title="")["data"]) == 1


def test_long_names_of_layers_stand_at_fewer_ticks():
    short = profile([Line("a", [f"{index}" for index in range(30)], np.ones(30))], title="")
    long = profile([Line("a", [f"0.recurrent.time{index}" for index in range(30)], np.ones(30))], title="")
    assert len(long["layout"]["xaxis"]["tickvals"]) < len(short["layout"]["xaxis"]["tickvals"]) <= 12


def test_values_that_are_not_finite_leave_a_gap_and_zero_is_marked_on_a_floor_below_all_others():
    figure = profile([Line("a", LAYERS[:4], [np.inf, 0.0, np.nan, 0.123456])], title="")
    line, zeros = figure["data"]
    assert line["y"] == [None, None, None, 0.1235]
    assert (zeros["name"], zeros["x"], zeros["y"]) == ("exactly 0", [0.3333], [0.01])
    assert zeros["text"] == ["2.linear: a"]
    (floor,) = figure["layout"]["shapes"]
    assert (floor["y0"], floor["label"]["text"]) == (0.01, "exactly 0")


def test_a_network_without_any_gradient_is_drawn_without_tiny_numbers():
    dead = profile([Line("start", LAYERS, np.zeros(12)), Line("end", LAYERS, np.zeros(12))], title="")
    drawn = [value for trace in dead["data"] for value in trace["y"] if value is not None]
    assert set(drawn) == {1.0}
    assert len(drawn) == 12
    flat = curves({"grad_norm_l2": curve(np.zeros(30))})
    assert set(flat["data"][0]["y"]) == {0.0}
    assert "type" not in flat["layout"]["yaxis2"]


def test_a_gradient_norm_that_becomes_zero_is_marked_from_then_on():
    figure = curves({"grad_norm_l2": curve([1.0, 0.5, 0.0, 0.0])})
    line, zeros = figure["data"]
    assert line["y"] == [1.0, 0.5, None, None]
    assert (zeros["x"], zeros["y"], zeros["yaxis"]) == ([2, 3], [0.01, 0.01], "y2")


def test_a_loss_that_does_not_move_looks_as_if_it_did_not():
    figure = curves({"train_loss": curve([2.301, 2.303, 2.302])}, constant_loss=2.303)
    low, high = figure["layout"]["yaxis"]["range"]
    assert low == 0
    assert high > 2.3


def test_a_loss_that_falls_by_decades_or_explodes_is_drawn_in_decades():
    falling = curves({"train_loss": curve([2.3, 0.1, 1e-4])}, constant_loss=2.3)
    exploding = curves({"train_loss": curve([2.3, 1e4, np.inf])}, constant_loss=2.3)
    assert falling["layout"]["yaxis"]["type"] == exploding["layout"]["yaxis"]["type"] == "log"


def test_a_run_whose_constant_loss_is_not_known_yet_is_drawn_in_decades_by_its_first_loss():
    assert curves({"train_loss": curve([2.3, 1e3, 2.0])})["layout"]["yaxis"]["type"] == "log"
    assert "type" not in curves({"train_loss": curve([2.3, 2.2])})["layout"]["yaxis"]


def test_the_level_of_having_learned_nothing_is_named_inside_the_panel():
    def side(values):
        (level,) = curves({"train_loss": curve(values)}, constant_loss=2.3)["layout"]["shapes"]
        return level["label"]["yanchor"]

    assert side([2.3, 1e9]) == "bottom"
    assert side([2.3, 1.0]) == "bottom"
    assert side([2.3, 1e-4]) == "top"


def test_few_steps_are_named_by_whole_numbers():
    assert curves({"train_loss": curve([2.3, 2.2])})["layout"]["xaxis"]["dtick"] == 1
    assert heatmap(vanishing(3), LAYERS)["layout"]["xaxis"]["dtick"] == 1
    assert "dtick" not in heatmap(vanishing(40), LAYERS)["layout"]["xaxis"]


def test_a_spike_among_many_points_is_kept():
    values = np.ones(10_000)
    values[4321] = 50.0
    assert max(curves({"train_loss": curve(values)})["data"][0]["y"]) == 50.0


def test_the_curve_after_clipping_is_shown_only_where_something_clips():
    series = {"grad_norm_l2": curve([1, 2]), "grad_norm_l2_clipped": curve([1, 1])}
    assert [line["name"] for line in curves(series)["data"]] == ["gradient norm"]
    assert len(curves(series, clipped=True)["data"]) == 2


def test_the_best_arm_is_on_top_with_its_interval():
    figure = ranking(
        comparison(
            arm(1, "best", final_validation_loss=ratio(0.1, (0.05, 0.4))),
            arm(2, "next", final_validation_loss=ratio(0.9)),
        )
    )
    best = next(row for row in figure["data"] if row["name"] == "best")
    assert best["y"] == [1]
    assert best["error_x"]["array"] == [pytest.approx(0.3)]
    assert best["error_x"]["arrayminus"] == [pytest.approx(0.05)]
    assert figure["layout"]["yaxis"]["ticktext"] == ["2. next", "1. best"]


def test_arms_close_to_the_baseline_still_have_ticks_beside_it():
    figure = ranking(comparison(arm(1, "a", final_validation_loss=ratio(0.76))))
    low, high = 10.0 ** np.array(figure["layout"]["xaxis"]["range"])
    assert sum(low < tick < high for tick in figure["layout"]["xaxis"]["tickvals"]) >= 2


def test_an_arm_whose_runs_go_on_has_no_row_before_it_can_be_compared():
    some = replace(
        comparison(arm(1, "a", final_validation_loss=ratio(0.76)), replace(arm(2, "b"), runs=0, pending=3)),
        complete=False,
    )
    assert ranking(some)["layout"]["yaxis"]["ticktext"] == ["1. a"]
    with pytest.raises(InsufficientData, match="0 of 3 runs of the arms have ended"):
        ranking(replace(some, arms=some.arms[1:]))


def test_an_arm_that_is_not_finite_says_so_in_its_row():
    figure = ranking(comparison(arm(1, "diverges", final_validation_loss=ratio(None, wins=1))))
    assert figure["data"] == []
    assert "better than the baseline in 1 of 3" in figure["layout"]["annotations"][0]["text"]


def test_a_metric_without_ratios_is_shown_as_differences():
    effect = difference(0.2, (0.1, 0.3))
    figure = ranking(comparison(arm(1, "a", final_validation_accuracy=effect), metric="final_validation_accuracy"))
    assert figure["data"][0]["x"] == [0.2]
    assert "right is better" in figure["layout"]["xaxis"]["title"]["text"]


def test_all_arms_of_a_map_share_one_colour_scale_that_ends_where_nothing_is_learned():
    figure = drawn_map(swept("a", "b", loss=lambda rate, gain: 0.01 if rate < 1 else 1e4), worst=2.0)
    scales = {(trace["zmin"], trace["zmax"]) for trace in figure["data"]}
    assert scales == {(-2.0, round(np.log10(2.0), 4))}
    assert sum(trace["showscale"] for trace in figure["data"]) == 1


def test_equal_cells_have_one_colour_and_not_the_noise_of_their_last_digits():
    figure = drawn_map(swept("a", loss=lambda rate, gain: 2.3 + 1e-3 * rate))
    shown = colours(figure)
    assert shown.max() - shown.min() < 0.01


def test_the_cells_of_a_logarithmic_axis_meet_in_the_middle_of_its_decades():
    (trace,) = drawn_map(swept("a"))["data"]
    assert trace["x"] == pytest.approx(10.0 ** np.arange(-2.5, 2.0), rel=1e-5)
    assert trace["y"] == pytest.approx([0.25, 0.75, 1.25, 1.75])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.01, 0.1, 1], True),
        ([1, 2, 4, 8], True),
        ([1, 2, 3, 4], False),
        ([0, 1, 10], False),
        ([-1, 1], False),
        ([3], False),
        ([1, 2], False),
        ([1, 10], True),
    ],
)
def test_an_axis_is_logarithmic_where_its_values_are_spaced_so(values, expected):
    assert is_logarithmic(values) == expected


def test_over_one_field_a_map_has_a_row_an_arm():
    (trace,) = drawn_map(swept("a", "b", y=False))["data"]
    assert np.array(trace["z"]).shape == (2, 4)


def test_many_arms_wrap_into_rows_of_three():
    figure = drawn_map(swept(*"abcdefg"))
    assert {trace["yaxis"] for trace in figure["data"]} == {"y", "y2", "y3"}
    assert {trace["xaxis"] for trace in figure["data"]} == {"x", "x2", "x3"}
    anchors = [figure["layout"][name]["anchor"] for name in ("xaxis", "xaxis2", "xaxis3")]
    assert anchors == ["y3", "y2", "y2"]  # a column's ticks stand below its lowest panel


def test_a_candidate_that_broke_off_stands_at_the_border_as_a_cross():
    figure = race([Entrant("a", [("race", np.nan), ("race", 0.5), ("race", 1e9)])], rounds=["race"])
    (trace,) = figure["data"]
    assert trace["x"] == [2.0, 0.5, 2.0]
    assert trace["marker"]["symbol"] == ["x", "circle", "x"]
    assert "not finite" in trace["text"][0]


def test_a_race_of_many_shows_the_best_and_says_of_how_many():
    figure = race([Entrant(str(index), [("race", 0.5)]) for index in range(40)], rounds=["race"])
    assert len(figure["layout"]["yaxis"]["ticktext"]) == 30
    assert "30 of 40" in figure["layout"]["title"]["text"]


def test_what_a_person_typed_has_no_meaning_to_plotly():
    nasty = "<a href='http://elsewhere'>x</a>"
    for figure in (
        ranking(comparison(arm(1, nasty, final_validation_loss=ratio(1.0)))),
        profile([Line(nasty, [nasty], [1.0])], title=nasty),
        heatmap(gradients([[1.0]]), [nasty], title=nasty),
        race([Entrant(nasty, [("race", 1.0)])], rounds=["race"]),
        drawn_map(swept(nasty)),
        drawn_map(swept(nasty, y=False)),
    ):
        assert "<a" not in json.dumps(figure)


def test_the_validation_loss_is_a_mark_after_the_last_step_inside_the_axis():
    figure = curves({"train_loss": curve([2.3, 1.0])}, validation=Validation(2, 3.1))
    mark = next(each for each in figure["data"] if each["name"] == "validation loss")
    assert (mark["x"], mark["y"]) == ([2], [3.1])
    assert figure["layout"]["yaxis"]["range"][1] > 3.1
    assert all(each["name"] != "validation loss" for each in curves({"train_loss": curve([2.3, 1.0])})["data"])
