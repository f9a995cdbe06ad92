import json
from collections import Counter

import pytest

from gradclinic.claims import CLAIMS
from gradclinic.claims.measures import any_of, of_parts
from gradclinic.claims.order_of_relevance import _chance
from gradclinic.comparison import RunResult
from gradclinic.comparison.study import StudySpec

from ..diagnoses import diagnosed
from ..metrics import metrics

every_claim = pytest.mark.parametrize("claim", CLAIMS.values(), ids=list(CLAIMS))


def run(arm, seed=0, *, left=1.0, slope=0.0, accuracy=0.1, condition="vanishing_gradients", **known):
    sick = not left <= 0.5
    return RunResult(
        run_id=f"run_{arm}_{seed}",
        arm=arm,
        seed=seed,
        metrics=metrics(
            **{
                "relative_train_loss": left,
                "depth_slope": slope,
                "depth_slope_early": slope,
                "final_validation_accuracy": accuracy,
                "update_decades": 0.0,
                **known,
            }
        ),
        target_probed=False,
        diagnosis=diagnosed(condition if sick else "healthy"),
    )


def runs_of(name, *, seed=0, **by_arm):
    """A seed's runs: each arm's is what `by_arm` says of the first key its name contains; else unremarkable."""
    found = []
    for arm in CLAIMS[name].arms(quick=True):
        key = next((key for key in by_arm if key.replace("_", " ") in arm), None)
        found.append(run(arm, seed, **(by_arm[key] if key is not None else {})))
    return found


def verdict(name, **by_arm):
    """The verdict of one seed's runs."""
    return CLAIMS[name].judge(runs_of(name, **by_arm), quick=True).verdict


def ruling(name, *, seeds):
    """The full variant's ruling, with what each seed's arms are."""
    found = [run for seed, by_arm in enumerate(seeds) for run in runs_of(name, seed=seed, **by_arm)]
    return CLAIMS[name].judge(found)


def test_the_claims_are_in_order_and_the_order_of_relevance_is_the_last():
    assert [claim.order for claim in CLAIMS.values()] == list(range(1, len(CLAIMS) + 1))
    assert list(CLAIMS)[-1] == "order_of_relevance"


@every_claim
def test_a_claim_says_what_is_trained_how_it_is_decided_and_where_it_comes_from(claim):
    assert all((claim.statement, claim.source, claim.design, claim.rule))
    assert claim.runs(quick=True) == len(list(claim.trials(quick=True)))


@every_claim
def test_both_variants_have_the_same_arms_and_the_quick_one_costs_less(claim):
    def cost(*, quick):
        return sum(experiment.training.steps for _, experiment in claim.trials(quick=quick))

    assert list(claim.arms(quick=True)) == list(claim.arms(quick=False))
    assert cost(quick=True) < cost(quick=False)


@every_claim
def test_a_claims_study_can_be_posted_as_it_is(claim):
    study = claim.study(quick=True)
    names = [arm.name for arm in study.arms]
    assert len(set(names)) == len(names) == len(claim.arms(quick=True)) - 1
    assert StudySpec.model_validate_json(json.dumps(study.to_json())) == study


@every_claim
def test_without_all_results_nothing_is_decided(claim):
    first = next(iter(claim.arms(quick=True)))
    assert claim.judge([run(first)], quick=True).verdict == "inconclusive"
    assert claim.judge([], quick=True).verdict == "inconclusive"


@every_claim
@pytest.mark.parametrize("left", [float("nan"), float("inf"), 0.1, None])
def test_a_ruling_never_raises_whatever_was_measured(claim, left):
    results = [run(arm, left=left if left is not None else 1.0, slope=float("-inf")) for arm in claim.arms(quick=True)]
    ruling = claim.judge(results, quick=True)
    assert ruling.verdict in ("supported", "refuted", "mixed")
    assert ruling.explanation.endswith(".")
    assert ruling.figures


@every_claim
def test_a_ruling_on_several_seeds_gives_every_number_with_its_interval_or_says_what_was_counted(claim):
    results = [run(arm, seed, left=0.1 * seed) for seed in range(6) for arm in claim.arms(quick=False)]
    for figure in claim.judge(results).figures:
        if figure.of == "orders":
            assert figure.n == 720
            continue
        low, high = figure.interval
        assert low <= figure.value <= high
        assert figure.confidence >= 0.95
        assert figure.n == 6 or figure.of == "networks"


@every_claim
def test_a_single_seed_has_no_interval_and_the_ruling_says_so(claim):
    ruling = claim.judge([run(arm) for arm in claim.arms(quick=True)], quick=True)
    of_seeds = [figure for figure in ruling.figures if figure.of == "seeds"]
    assert all(figure.interval is None and figure.n == 1 for figure in of_seeds)
    assert ("no intervals" in ruling.explanation) == bool(of_seeds)


def test_runs_that_moved_no_weight_decide_nothing():
    still = {arm: {"update_decades": None} for arm in ("sigmoid", "tanh")}
    assert verdict("early_layers_learn_slower", **still) == "inconclusive"
    slow = {arm: {"update_decades": -2.0} for arm in ("sigmoid", "tanh")}
    assert ruling("early_layers_learn_slower", seeds=[slow] * 6).verdict == "supported"
    assert ruling("early_layers_learn_slower", seeds=[slow] * 5 + [still]).verdict == "inconclusive"


def test_a_study_may_call_the_first_arm_baseline():
    claim = CLAIMS["lower_rate_avoids_divergence"]
    first, *others = [run(arm) for arm in claim.arms(quick=True)]
    renamed = RunResult(run_id="r", arm="baseline", seed=0, metrics=first.metrics, diagnosis=first.diagnosis)
    assert claim.judge([renamed, *others], quick=True) == claim.judge([first, *others], quick=True)


def test_deeper_is_worse_where_the_loss_grows_with_depth():
    growing = {f"depth_{depth}": {"slope": 0.5 * depth} for depth in (3, 6, 12, 24)}
    assert verdict("deeper_is_worse", relu={"slope": 0.1}, **growing) == "supported"
    assert verdict("deeper_is_worse", sigmoid={"slope": 2.0}) == "refuted"


def test_seeds_that_disagree_leave_a_claim_undecided_and_all_that_agree_decide_it():
    growing = {f"depth_{depth}": {"slope": 0.5 * depth} for depth in (3, 6, 12, 24)}
    level = {"sigmoid": {"slope": 2.0}}
    assert ruling("deeper_is_worse", seeds=[growing] * 6).verdict == "supported"
    assert ruling("deeper_is_worse", seeds=[level] * 6).verdict == "refuted"
    split = ruling("deeper_is_worse", seeds=[growing] * 5 + [level])
    assert split.verdict == "inconclusive"
    deepest = next(figure for figure in split.figures if "24" in figure.name)
    assert (deepest.value, deepest.interval) == (12.0, (2.0, 12.0))
    assert "12 [2, 12]" in split.explanation


def test_many_seeds_may_disagree_a_little():
    growing = {f"depth_{depth}": {"slope": 0.5 * depth} for depth in (3, 6, 12, 24)}
    assert ruling("deeper_is_worse", seeds=[growing] * 11 + [{}]).verdict == "supported"
    assert ruling("deeper_is_worse", seeds=[growing] * 10 + [{}] * 2).verdict == "supported"
    assert ruling("deeper_is_worse", seeds=[growing] * 9 + [{}] * 3).verdict == "inconclusive"


def test_fewer_seeds_than_an_interval_takes_decide_nothing():
    growing = {f"depth_{depth}": {"slope": 0.5 * depth} for depth in (3, 6, 12, 24)}
    few = ruling("deeper_is_worse", seeds=[growing] * 5)
    assert few.verdict == "inconclusive"
    assert few.explanation == "Of 6 seeds that it takes, 5 have a result of each of the 5 trainings."


def test_one_part_that_holds_and_one_that_does_not_are_mixed_whatever_seeds_say_of_a_third():
    truths = [True] * 6, [False] * 6, [True] * 3 + [False] * 3
    assert of_parts(truths) == "mixed"
    assert of_parts([truths[0], truths[2]]) == "inconclusive"
    assert of_parts([truths[1], truths[2]]) == "inconclusive"
    assert any_of([truths[1], truths[2]]) is None
    assert any_of([truths[0], truths[2]]) is True
    assert any_of([truths[1]]) is False


def test_xavier_helps_where_it_helps_some_and_has_not_cured_all():
    better = {"tanh,_xavier": {"left": 0.1}, "relu,_xavier": {"left": 0.2}}
    everywhere = better | {"sigmoid,_xavier": {"left": 0.3}}
    assert ruling("xavier_helps", seeds=[better] * 6).verdict == "supported"
    assert ruling("xavier_helps", seeds=[everywhere] * 6).verdict == "mixed"
    assert ruling("xavier_helps", seeds=[{}] * 6).verdict == "refuted"
    assert ruling("xavier_helps", seeds=[{}] * 3 + [better] * 3).verdict == "inconclusive"


def test_saturation_must_gain_decades_to_explode():
    assert verdict("saturation_explodes", bias_6={"slope": -4.0}) == "supported"
    assert verdict("saturation_explodes", bias_6={"slope": 40.0}) == "refuted"


def test_one_activation_of_two_is_a_mixed_answer():
    relu_only = {"relu,_gain": {"left": 1.0}}
    claim = CLAIMS["batch_norm_forgives_initialization"]
    results = [run(arm, left=0.1 if "relu" in arm and "norm" in arm else 1.0) for arm in claim.arms(quick=True)]
    assert claim.judge(results, quick=True).verdict == "mixed"
    assert verdict("batch_norm_forgives_initialization", **relu_only) == "refuted"


def test_clipping_that_only_keeps_numbers_finite_is_half_of_the_claim():
    assert verdict("clipping_cures_exploding", clipped={"left": 0.95}, mlp={"left": float("nan")}) == "mixed"


def test_the_common_order_counts_only_where_few_random_ones_agree_as_well():
    assert _chance([6, 5, 4, 3, 2, 1]) == pytest.approx(1 / 720)
    assert _chance([1, 1, 1, 1, 1, 1]) == 1
    assert _chance([1, 2, 3, 4, 5, 6]) == 1


def test_the_order_is_judged_over_every_kind_of_network_and_every_condition():
    claim = CLAIMS["order_of_relevance"]
    models = Counter(experiment.model.kind for experiment in claim.arms(quick=True).values())
    assert {"mlp", "cnn", "rnn"} <= set(models)
    results = [run(arm, left=0.1 if "+ batch norm" in arm else 1.0) for arm in claim.arms(quick=True)]
    ruling = claim.judge(results, quick=True)
    assert ruling.verdict == "refuted"
    shares = {figure.name: figure.value for figure in ruling.figures}
    assert shares["batch norm"] > 0.5 > shares["clip gradients"] == 0
    assert {name.split(":")[0] for name in shares if ":" in name} >= {"vanishing_gradients", "exploding_gradients"}


LEARNS, FAILS, BREAKS = {"left": 0.1}, {"left": 1.0}, {"left": float("nan")}


@pytest.mark.parametrize(
    ("name", "by_arm", "expected"),
    [
        ("batch_norm_allows_higher_rates", {"rate 0.01": LEARNS, "rate 0.1, batch norm": LEARNS}, "supported"),
        ("batch_norm_allows_higher_rates", {"rate 0.01": LEARNS}, "refuted"),
        ("batch_norm_allows_higher_rates", {"rate 0.01": LEARNS, "relu, rate 1, batch norm": LEARNS}, "mixed"),
        ("batch_norm_forgives_initialization", {"gain 3": FAILS, "batch norm": LEARNS}, "refuted"),
        ("batch_norm_forgives_initialization", {"batch norm": LEARNS, "gain 3": BREAKS}, "supported"),
        ("batch_norm_forgives_initialization", {"gain 3, b": {"left": 0.8}, "gain 3": FAILS, "": LEARNS}, "refuted"),
        ("clipping_cures_exploding", {"clipped": LEARNS, "": BREAKS}, "supported"),
        ("clipping_cures_exploding", {"mlp, clipped": LEARNS, "clipped": FAILS, "": BREAKS}, "supported"),
        ("clipping_cures_exploding", {"gelu mlp, clipped": LEARNS, "clipped": FAILS, "": BREAKS}, "mixed"),
        ("clipping_cures_exploding", {"": FAILS}, "refuted"),
        ("early_layers_learn_slower", {"": {"update_decades": -1.0}}, "supported"),
        ("early_layers_learn_slower", {"sigmoid": {"update_decades": -1.0}}, "mixed"),
        ("early_layers_learn_slower", {"": {"update_decades": -0.9}}, "refuted"),
        ("lower_rate_avoids_divergence", {"rate 8": BREAKS, "rate 0.001": {"left": 0.3}, "rate": LEARNS}, "supported"),
        ("lower_rate_avoids_divergence", {"rate 8": BREAKS, "rate 0.001": {"left": 0.2}, "rate": LEARNS}, "mixed"),
        ("lower_rate_avoids_divergence", {"": LEARNS}, "refuted"),
        ("lower_rate_reduces_vanishing", {"rate 1": {"slope": 2.0}, "rate 0.001": {"slope": 1.5}}, "supported"),
        ("lower_rate_reduces_vanishing", {"rate 1": {"slope": 2.0}, "rate 0.001": {"slope": 1.6}}, "refuted"),
        ("relu_like_respond_better", {"selu": {"accuracy": 0.9}}, "mixed"),
        ("relu_like_respond_better", {}, "refuted"),
        ("skips_let_gradients_through", {"skips": {"slope": 0.2}, "": {"slope": 5.0}}, "supported"),
        ("skips_let_gradients_through", {"skips": {"slope": -0.2}, "relu": {"slope": -5.0}}, "mixed"),
        ("skips_let_gradients_through", {"": {"slope": 5.0}}, "refuted"),
        ("skips_let_gradients_through", {"": {"slope": 0.2}}, "refuted"),
    ],
)
def test_each_rule_decides_as_it_says(name, by_arm, expected):
    assert verdict(name, **by_arm) == expected
