"""A diagnosis over the seeds of an arm."""

from math import inf

import pytest

from gradclinic.comparison import DiagnosisOverSeeds, LayerOverSeeds, Onset, RunResult, compare, diagnoses_over_seeds
from gradclinic.diagnosis import Evidence
from gradclinic.diagnosis.confidence import median_interval, wilson

from ..diagnoses import diagnosis, finding
from .runs import STUCK, arm


def run(
    seed,
    condition="vanishing_gradients",
    *,
    layers=("0.linear",),
    first=0,
    slope=9.0,
    harm=True,
    point=None,
    threshold=1.5,
):
    evidence = (Evidence("depth_slope", slope, "orders of magnitude", threshold),)
    found = finding(condition, harm=harm, layers=layers, first_step=first, last_step=299, evidence=evidence)
    return RunResult(f"run_{seed}", "baseline", seed, diagnosis=diagnosis(found), sweep_point=point)


def only(runs) -> DiagnosisOverSeeds:
    (found,) = diagnoses_over_seeds(runs)
    return found


def test_a_condition_in_all_of_five_seeds_has_wilsons_interval_and_its_numbers_one_that_needs_no_normality():
    found = only([run(seed, slope=9.0 + seed / 10) for seed in range(5)])
    assert found.primary == "vanishing_gradients"
    finding = found.findings[0]
    assert (finding.seeds, finding.of, finding.primary_in, finding.harm_in) == (5, 5, 5, 5)
    assert finding.share_interval == pytest.approx([0.566, 1.0], abs=1e-3)
    (slope,) = finding.evidence
    assert (slope.median, slope.interval, slope.confidence) == (9.2, (9.0, 9.4), 0.9375)
    assert finding.summary == (
        "Vanishing gradients in 5 of 5 seeds (95 % interval 57 to 100 %); it hurt learning in each of them; from step 0"
        " on; in 0.linear (named by most of these seeds); gradient lost from output to input: 9.2 orders of magnitude"
        " (94 % interval 9 to 9.4)."
    )


def test_a_slope_that_gains_is_told_without_a_minus_and_with_its_interval_turned():
    found = only([run(seed, "exploding_gradients", slope=-9.0 - seed, threshold=-1.5) for seed in range(3)])
    assert "gradient gained from output to input: 10 orders of magnitude (75 % interval 9 to 11)" in found.summary
    steady = only([run(seed, slope=slope, threshold=None) for seed, slope in enumerate([-2.0, -1.0, 0.5])])
    assert "gradient gained from output to input: 1 orders of magnitude (75 % interval -0.5 to 2)" in steady.summary


def test_seeds_that_disagree_are_told_apart():
    found = only([*(run(seed) for seed in range(3)), run(3, "dead_units", first=40), run(4, "dead_units", first=60)])
    assert [(each.condition, each.seeds) for each in found.findings] == [("vanishing_gradients", 3), ("dead_units", 2)]
    assert found.findings[1].first_step == Onset(median=50, lowest=40, highest=60)
    assert found.summary.endswith("Other seeds: dead units in 2.")
    assert found.findings[0].share_interval == wilson(3, 5)


def test_only_layers_that_more_than_half_of_the_seeds_name_are_named():
    found = only(
        [run(0, layers=("a", "b")), run(1, layers=("b", "a")), run(2, layers=("b",)), run(3, layers=("c", "b"))]
    )
    assert found.findings[0].layers == (LayerOverSeeds("b", 4),)


def test_of_two_conditions_alike_the_sick_one_leads_and_healthy_seeds_are_counted():
    found = only([run(0, "healthy", layers=(), harm=False), run(1)])
    assert found.primary == "vanishing_gradients"
    assert found.summary.endswith("Other seeds: healthy in 1.")


def test_one_seed_has_no_interval_of_its_numbers_and_a_wide_one_of_its_share():
    finding = only([run(7)]).findings[0]
    assert finding.evidence[0].interval is None
    assert finding.share_interval[0] < 0.21
    assert "in 1 of 1 seed (95 % interval 21 to 100 %)" in finding.summary


def test_infinite_values_are_ordered_and_not_averaged():
    finding = only([run(0, slope=inf), run(1, slope=inf), run(2, slope=7.0)]).findings[0]
    assert (finding.evidence[0].median, finding.evidence[0].interval) == (inf, (7.0, inf))
    assert "infinite orders of magnitude (75 % interval 7 to infinite)" in finding.summary


def test_points_of_a_sweep_are_different_networks():
    low, high = (("/optimizer/learning_rate", 0.1),), (("/optimizer/learning_rate", 1.0),)
    found = diagnoses_over_seeds([run(0, point=low), run(1, point=low), run(0, "divergence", point=high)])
    assert [(each.primary, each.seeds) for each in found] == [("vanishing_gradients", (0, 1)), ("divergence", (0,))]


def test_the_same_seed_twice_is_one_trial():
    assert only([run(0, "divergence"), run(0)]).findings[0].of == 1


def test_a_comparison_carries_the_diagnosis_of_the_baseline_and_of_each_arm():
    found = compare([*STUCK, *arm("relu", [0.3, 0.3, 0.3, 0.31, 0.29])])
    assert [each.primary for each in found.baseline_diagnoses] == ["vanishing_gradients"]
    assert [each.primary for each in found.arms[0].diagnoses] == ["healthy"]


@pytest.mark.parametrize(
    ("n", "inside", "confidence"), [(2, 1, 0.5), (3, 1, 0.75), (5, 1, 0.9375), (6, 1, 0.96875), (10, 2, 0.978515625)]
)
def test_the_interval_of_a_median_is_the_binomials(n, inside, confidence):
    assert median_interval([float(k) for k in range(1, n + 1)]) == (inside, n + 1 - inside, confidence)


def test_a_single_value_has_no_interval():
    assert median_interval([1.0]) is None


def test_a_condition_in_some_seeds_is_told_with_its_shares_harm_onset_and_layers():
    layers = ("a", "b", "c", "d")
    found = only(
        [
            *(run(seed, first=10 * seed, layers=layers, harm=seed < 3, slope=4.0 + seed) for seed in range(4)),
            run(4, "healthy", layers=(), harm=False),
            run(5, "healthy", layers=(), harm=False),
        ]
    )
    finding = found.findings[0]
    assert finding.share == pytest.approx(4 / 6)
    assert (finding.evidence[0].lowest, finding.evidence[0].highest, finding.evidence[0].seeds) == (4.0, 7.0, 4)
    assert "in 4 of 6 seeds (95 % interval 30 to 90 %)" in finding.summary
    assert "it hurt learning in 3 of them" in finding.summary
    assert "from step 15 on (median; 0 to 30)" in finding.summary
    assert "in a, b, c and 1 more (named by most of these seeds)" in finding.summary
    assert "(88 % interval 4 to 7)" in finding.summary
    assert found.summary.endswith("Other seeds: healthy in 2.")


@pytest.mark.parametrize(
    ("runs", "said", "unsaid"),
    [
        ([run(0)], "it hurt learning; from step 0 on; in 0.linear;", "named by"),
        ([run(0), run(1)], "it hurt learning in each of them; from step 0 on; in 0.linear (named by both)", "most"),
        ([run(0, harm=False)], "it did no harm", "it hurt"),
        ([run(0, layers=("a",)), run(1, layers=("b",))], "each seed names other layers", "named by"),
        ([run(0, layers=())], "from step 0 on; gradient lost", "other layers"),
        ([run(0, layers=("a", "b", "c"))], "in a, b, c;", "more"),
        ([run(0, slope=2.0), run(1, slope=2.0)], "gradient lost from output to input: 2 ", "interval 2 to 2"),
        ([run(0, first=3), run(1, first=4)], "from step 3.5 on (median; 3 to 4)", "infinite"),
    ],
)
def test_harm_onset_and_layers_are_told_as_far_as_the_seeds_agree(runs, said, unsaid):
    summary = only(runs).findings[0].summary
    assert said in summary
    assert unsaid not in summary


def test_layers_come_by_how_many_seeds_name_them_and_then_by_their_place():
    found = only(
        [
            run(0, layers=("b", "a", "c")),
            run(1, layers=("b", "a", "c")),
            run(2, layers=("x", "c", "b", "a")),
            run(3, layers=("c", "y")),
        ]
    ).findings[0]
    assert [(each.layer, each.seeds) for each in found.layers] == [("c", 4), ("b", 3), ("a", 3)]


def test_findings_come_by_whose_primary_they_are_and_then_by_how_many_they_hurt():
    def several(seed, *findings):
        made = [finding(name, harm=harm) for name, harm in findings]
        return RunResult(f"run_{seed}", "baseline", seed, diagnosis=diagnosis(*made))

    found = only(
        [
            several(0, ("divergence", True), ("unscaled_inputs", False), ("dead_units", True)),
            several(1, ("divergence", True), ("unscaled_inputs", False), ("low_precision", False)),
            several(2, ("divergence", True), ("unscaled_inputs", False)),
            several(3, ("oscillating_loss", True)),
        ]
    )
    assert [each.condition for each in found.findings] == [
        "divergence", "oscillating_loss", "dead_units", "unscaled_inputs", "low_precision",
    ]  # fmt: skip
    assert [each.harm_in for each in found.findings] == [3, 1, 1, 0, 0]


def test_numbers_that_are_not_known_are_left_out():
    finding = only([run(0, slope=float("nan")), run(1, slope=3.0)]).findings[0]
    assert [(each.median, each.seeds) for each in finding.evidence] == [(3.0, 1)]
    lowest = only([run(seed, "exploding_gradients", slope=-inf, threshold=None) for seed in (0, 1)])
    assert "infinite" in lowest.findings[0].summary
    assert "minus" not in lowest.findings[0].summary
