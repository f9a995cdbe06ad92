from dataclasses import replace

import numpy as np
import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.diagnosis.features import extract
from gradclinic.diagnosis.finding import Evidence
from gradclinic.diagnosis.rules.base import Order
from gradclinic.diagnosis.rules.slow_convergence import SlowConvergence, steps_too_small
from gradclinic.diagnosis.thresholds import Thresholds
from gradclinic.measurements.record import Series
from gradclinic.remedies.against import CONSTANT_RATE
from gradclinic.remedies.network import Network

from ..records import changed, failed, healthy_record, outcome, stuck, with_slope
from ..seen import CLASSIFIER, but, seen


@pytest.mark.parametrize(("decades", "name"), [(1.2, "vanishing"), (-1.2, "exploding")])
def test_a_slope_near_its_threshold_is_told_with_a_failure_that_nothing_else_explains(
    decades: float, name: str
) -> None:
    stuck = changed(healthy_record(), {"probe_loss": 2.3}, outcome=failed())
    undecided, finding = diagnose(with_slope(stuck, decades)).findings
    assert (undecided.condition, finding.condition) == ("insufficient_evidence", "slow_convergence")
    assert finding.summary in undecided.summary
    assert f"10^1.2 from output to input, close to the 10^1.5 from which they count as {name}" in finding.summary
    slope = next(evidence for evidence in finding.evidence if evidence.name == "depth_slope")
    assert (round(slope.value, 3), slope.threshold) == (decades, 1.5 if decades > 0 else -1.5)
    level = diagnose(with_slope(stuck, decades / 2)).findings[0]
    assert "orders of magnitude" not in level.summary
    assert finding.confidence < level.confidence


@pytest.mark.parametrize(
    ("update", "words"),
    [(3.3e-5, "can have moved by more than 0.99 % of its size"), (0.0, "in 300 steps no layer moved at all")],
)
def test_steps_that_are_too_small_are_said_to_be_and_larger_ones_are_suggested(update: float, words: str) -> None:
    finding = diagnose(stuck(update_to_weight_ratio=update)).findings[0]
    assert finding.condition == "slow_convergence"
    assert finding.summary.startswith("Steps are too small")
    assert words in finding.summary
    assert "so raise the learning rate" in finding.summary
    assert [remedy.kind for remedy in finding.suggested_remedies[:2]] == ["set_learning_rate", "set_learning_rate"]


def test_a_failure_with_a_slope_near_its_threshold_is_treated_as_its_cause_unless_the_steps_are_too_small() -> None:
    near = diagnose(with_slope(stuck(), 1.2)).findings[-1]
    assert near.condition == "slow_convergence"
    assert near.suggested_remedies[0].kind == "set_initialization"
    idle = with_slope(stuck(update_to_weight_ratio=1e-5, weight_grad_norm_l2=1e-9), 1.2)
    assert diagnose(idle).findings[-1].suggested_remedies[0].kind == "set_learning_rate"


RULE, THRESHOLDS = SlowConvergence(), Thresholds()
IDLE = stuck(update_to_weight_ratio=1e-5)


def clipping(fraction):
    steps = np.arange(4, dtype=np.int32)
    clipped = Series(steps, np.array([[fraction]] * 3 + [[np.nan]], np.float32))
    return replace(IDLE, series={**IDLE.series, "clipped": clipped})


@pytest.mark.parametrize(
    ("fraction", "blamed", "said"),
    [(0.5, "learning_rate", "raise the learning rate"), (0.51, "clipping", "clip less")],
)
def test_where_most_steps_are_clipped_the_clipping_holds_it_back(fraction, blamed, said) -> None:
    record = clipping(fraction)
    finding = RULE.judge(extract(record), record, THRESHOLDS)
    assert finding.blames[0] == blamed
    assert said in finding.summary


def test_small_steps_are_a_fact_and_the_doubt_is_whether_the_network_has_learned() -> None:
    """.99, times the 31 probes of the second half that all say that it has not."""
    finding = RULE.judge(extract(IDLE), IDLE, THRESHOLDS)
    assert finding.confidence == pytest.approx(0.99 * 32 / 33, abs=1e-3)
    told = {each.name: (each.value, each.threshold) for each in finding.evidence}
    assert told["total_update"] == (pytest.approx(0.003), THRESHOLDS.small_update)
    assert told["relative_gradient"] == (pytest.approx(0.05), THRESHOLDS.usable_gradient)


@pytest.mark.parametrize(
    ("update", "gradient", "is_so"),
    [
        (0.9 * THRESHOLDS.small_update, THRESHOLDS.usable_gradient, True),
        (THRESHOLDS.small_update, THRESHOLDS.usable_gradient, False),
        (0.0, 0.9 * THRESHOLDS.usable_gradient, False),
        (None, 1.0, False),
        (0.0, None, False),
    ],
)
def test_steps_are_too_small_where_the_gradient_is_large_enough_for_larger_ones(update, gradient, is_so) -> None:
    features = replace(extract(IDLE), total_update=update, relative_gradient=gradient)
    assert steps_too_small(features, THRESHOLDS) is is_so
    assert RULE.precedence(features, THRESHOLDS) == (Order.SMALL_STEPS if is_so else Order.NOTHING_ELSE)
    assert (RULE.judge(features, IDLE, THRESHOLDS) is not None) is is_so


@pytest.mark.parametrize(
    "ended",
    [
        {"outcome": None},
        {"outcome": outcome()},
        {"outcome": failed(nonfinite_step=200)},
        {"outcome": failed(steps_done=10)},
    ],
)
def test_a_run_that_goes_on_learned_broke_off_or_was_short_is_not_called_slow(ended) -> None:
    record = replace(IDLE, **ended)
    assert RULE.judge(extract(record), record, THRESHOLDS) is None
    assert RULE.remainder(extract(record), record, THRESHOLDS, doubt=0.0) is None


def left(losses, *, ended=1.0, doubt=0.0, total_update=0.5, began=1.0):
    """What is left of a run with these probe losses."""
    record = changed(stuck(), outcome=failed(final_train_loss=2.3 * ended))
    steps = np.linspace(0, 300, len(losses)).astype(np.int32)
    features = replace(
        extract(record),
        probe_steps=steps,
        probe_loss=np.array(losses, float),
        relative_train_loss=ended,
        relative_initial_loss=began,
        total_update=total_update,
    )
    return RULE.remainder(features, record, THRESHOLDS, doubt=doubt)


FALLS, STANDS = "the loss is still falling", "no layer moved by more than 50 % of its size, so take larger steps"


@pytest.mark.parametrize(
    ("losses", "said"),
    [
        ([1.0, 1.0, 0.95, 0.95, 0.9, 0.9], FALLS),
        ([1.0, 1.0, 0.9, 0.9, 1.0, 1.0], STANDS),
        ([1.0, 1.0, 1.0, 1.0, 0.9, 0.9], FALLS),
        ([1.0, 1.0, 0.8, 0.8, 0.9], STANDS),  # too few
        ([9.0, 9.0, 9.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], STANDS),
        # Thirds of 4 with deviations of .1155: an error of .1155 sqrt(2) / sqrt(4) = .0816, twice that is .163.
        ([1.0] * 4 + [1.1, 0.9, 1.1, 0.9] + [0.9, 0.7, 0.9, 0.7], FALLS),
        ([1.0] * 4 + [1.1, 0.9, 1.1, 0.9] + [0.96, 0.76, 0.96, 0.76], STANDS),
        ([0.8, 0.8, 0.9, 0.9, 1.0, 1.0], STANDS),
    ],
)
def test_a_loss_still_falls_where_the_last_third_lies_below_the_one_before_by_twice_the_error(losses, said) -> None:
    finding = left(losses)
    assert said in finding.summary
    assert finding.blames[0] == ("steps" if said is FALLS else "learning_rate")


@pytest.mark.parametrize(
    ("total_update", "ended", "blamed"),
    [
        (1.0, 0.91, "labels"),
        (0.99, 0.91, "steps"),
        (1.0, 0.9, "steps"),
        (1.0, 1.04, "labels"),
        (1.0, 1.05, "steps"),
    ],
)
def test_weights_that_moved_by_their_own_size_and_learned_next_to_nothing_learn_by_heart(
    total_update, ended, blamed
) -> None:
    finding = left([ended + 0.1] * 6 + [ended] * 3, ended=ended, total_update=total_update)
    assert finding.blames[0] == blamed


@pytest.mark.parametrize(
    ("total_update", "steps_done", "blamed"),
    [
        (1.0, 300, ("labels", "data", "optimizer")),
        (None, 300, ("labels", "data", "optimizer")),
        (0.99, 300, ("learning_rate", "optimizer", "steps")),
        (0.99, 100, ("learning_rate", "optimizer", "steps")),
        (0.99, 99, ("steps", "learning_rate", "labels")),
    ],
)
def test_weights_that_hardly_moved_have_had_too_small_or_too_few_steps(total_update, steps_done, blamed) -> None:
    record = changed(stuck(), outcome=failed())
    features = replace(extract(record), total_update=total_update, steps_done=steps_done, relative_train_loss=1.0)
    assert RULE.remainder(features, record, THRESHOLDS, doubt=0.0).blames == blamed


@pytest.mark.parametrize(("units", "blamed"), [(3, "architecture"), (4, "labels")])
def test_a_network_that_guesses_may_have_too_few_units_in_one_layer(units, blamed) -> None:
    record = changed(stuck(), outcome=failed())
    record = replace(record, sites=(*record.sites[:-1], replace(record.sites[-1], units=units)))
    finding = RULE.remainder(extract(record), record, THRESHOLDS, doubt=0.0)
    assert finding.blames[0] == blamed
    assert ("more units than the 3" in finding.summary) is (blamed == "architecture")


@pytest.mark.parametrize(("constant", "blamed"), [(True, "initialization"), (False, "labels")])
def test_a_network_that_guesses_and_began_with_equal_outputs_may_not_see_its_inputs(constant, blamed) -> None:
    record = seen(but(CLASSIFIER, "outputs", constant=constant), record=changed(stuck(), outcome=failed()))
    finding = RULE.remainder(extract(record), record, THRESHOLDS, doubt=0.0)
    assert finding.blames[0] == blamed
    assert ("all samples had the same output" in finding.summary) is constant


@pytest.mark.parametrize(
    ("total_update", "loss", "blamed"),
    [(0.1, 1.2, "learning_rate"), (2.0, 1.2, "architecture"), (0.1, 0.9, "architecture")],
)
def test_a_loss_above_that_of_guessing_wants_larger_steps_where_no_layer_moved(total_update, loss, blamed) -> None:
    record = changed(stuck(), outcome=failed())
    features = replace(extract(record), total_update=total_update, steps_done=300, relative_train_loss=loss)
    assert RULE.remainder(features, record, THRESHOLDS, doubt=0.0).blames[0] == blamed


def test_a_network_that_guesses_with_frozen_layers_may_lack_their_trained_weights() -> None:
    record = changed(stuck(), outcome=failed())
    record = replace(record, weights=(replace(record.weights[0], trainable=False), *record.weights[1:]))
    finding = RULE.remainder(extract(record), record, THRESHOLDS, doubt=0.0)
    assert finding.blames[0] == "initialization"
    assert f"1 of {len(record.weights)} layers with weights are frozen" in finding.summary


@pytest.mark.parametrize(
    ("scatter", "blamed"),
    [(0.0, "architecture"), (0.2, "steps")],
)
def test_losses_that_scatter_too_much_to_show_a_fall_do_not_show_a_limit_either(scatter, blamed) -> None:
    """Thirds of four with deviations of .23 and an error of .33: a fall by a third of the gap of .3 is hidden."""
    finding = left(list(0.8 + scatter * np.tile([1.0, -1.0], 6)), ended=0.8)
    assert finding.blames[0] == blamed
    assert ("too few to show whether they still fall" in finding.summary) is (blamed == "steps")


@pytest.mark.parametrize(
    ("last", "ended", "severity"),
    [(0.9, 0.95, "warning"), (0.9, 0.96, "critical"), (1.0, 0.9, "critical")],
)
def test_a_network_that_learned_a_part_and_still_learns_is_only_warned_of(last, ended, severity) -> None:
    assert left([1.0] * 6 + [last] * 3, ended=ended).severity == severity


@pytest.mark.parametrize(("doubt", "certainty"), [(0.5, 0.5), (0.25, 0.67), (0.0, 0.67)])
def test_the_doubt_is_taken_off_the_confidence_which_is_no_more_than_what_is_left_over_is_right(
    doubt: float, certainty: float
) -> None:
    assert left([1.0] * 9, doubt=doubt).confidence == pytest.approx(certainty * 6 / 7, abs=1e-3)  # five of five probes


def remedies(finding, **network):
    record = stuck()
    found = replace(Network.recorded(record), **network)
    return [remedy.kind for remedy in RULE.remedies(finding, found)]


def test_remedies_follow_what_is_wrong_with_the_steps_or_nearly_with_the_depth() -> None:
    plain = left([1.0] * 9, total_update=1.5)
    assert remedies(plain)[0] == "change_optimizer"
    assert remedies(plain, linear=True)[0] == "swap_activation"
    assert "swap_activation" not in remedies(plain, linear=True, recurrent=True)
    small = Evidence("total_update", 0.001, "weights", 0.03)
    assert remedies(replace(plain, evidence=(small,)))[0] == "remove_clipping"
    assert remedies(replace(plain, evidence=(replace(small, value=0.03),)))[0] == "change_optimizer"
    shrinks, grows = (Evidence("depth_slope", slope, "orders of magnitude", None) for slope in (1.2, -1.2))
    assert remedies(replace(plain, evidence=(shrinks,)))[0] == "set_initialization"
    assert remedies(replace(plain, evidence=(grows,)))[0] == "scale_residual_branches"


def level_with(**statistics):
    """A loss that stays where the constant predictor's is."""
    return changed(healthy_record(), {"probe_loss": 2.3, **statistics}, outcome=failed())


def test_a_schedule_that_took_the_rate_away_early_is_to_blame() -> None:
    faded = diagnose(level_with(learning_rate=lambda steps: 0.1 * 0.9**steps)).findings[0]
    assert (faded.condition, faded.blames) == ("slow_convergence", ("schedule", "learning_rate"))
    assert "halfway through, the schedule had lowered" in faded.summary
    assert faded.suggested_remedies[0] == CONSTANT_RATE
    cosine = diagnose(level_with(learning_rate=lambda steps: 0.05 * (1 + np.cos(np.pi * steps / 300)))).findings[0]
    assert cosine.blames[0] != "schedule"


@pytest.mark.parametrize(("a_step", "blamed"), [(0.05, "learning_rate"), (0.01, "labels")])
def test_steps_that_change_the_weights_by_much_are_to_blame_where_nothing_is_learned(a_step, blamed) -> None:
    finding = diagnose(level_with(update_to_weight_ratio=a_step)).findings[0]
    assert (finding.condition, finding.blames[0]) == ("slow_convergence", blamed)


@pytest.mark.parametrize(
    ("ended", "blamed"), [(1.0, "labels"), (0.96, "labels"), (0.9, "architecture"), (1.2, "architecture")]
)
def test_a_loss_that_stays_where_guessing_is_may_have_inputs_beside_the_targets_of_others(ended, blamed) -> None:
    finding = left([ended] * 9, ended=ended, total_update=1.5)
    assert finding.blames[0] == blamed
    assert ("is paired with its own target" in finding.summary) is (blamed == "labels")


def test_steps_that_a_schedule_made_too_small_are_its_fault() -> None:
    record = changed(stuck(), {"update_to_weight_ratio": 1e-6, "learning_rate": lambda steps: 0.1 * 0.9**steps})
    finding = diagnose(record).findings[0]
    assert (finding.condition, finding.blames) == ("slow_convergence", ("schedule", "learning_rate"))
    assert "let the schedule fall later" in finding.summary
    assert finding.suggested_remedies[0] == CONSTANT_RATE


@pytest.mark.parametrize(("batch_size", "blamed"), [(1, "batch_size"), (2, "batch_size"), (3, "labels")])
def test_steps_of_one_or_two_samples_are_noise(batch_size, blamed) -> None:
    look = CLASSIFIER.model_copy(update={"batch_size": batch_size})
    finding = diagnose(seen(look, record=level_with(update_to_weight_ratio=0.01))).findings[0]
    assert (finding.condition, finding.blames[0]) == ("slow_convergence", blamed)


@pytest.mark.parametrize(("total_update", "blamed"), [(0.29, "learning_rate"), (0.31, "steps"), (2.0, "steps")])
def test_a_loss_that_falls_by_less_than_healthy_steps_needs_larger_ones(total_update, blamed) -> None:
    """Healthy steps change a layer by 1e-3 of its size each, which is 0.3 in 300 steps."""
    finding = left([1.3] * 6 + [1.2] * 3, ended=1.2, total_update=total_update)
    assert finding.blames[0] == blamed
    assert ("take larger steps" in finding.summary) is (blamed == "learning_rate")


@pytest.mark.parametrize(("start", "ended", "blamed"), [(3.1, 1.2, "initialization"), (2.9, 1.2, "steps")])
def test_a_loss_on_its_way_down_from_far_above_guessing_starts_in_the_wrong_place(start, ended, blamed) -> None:
    record = changed(
        stuck(),
        {"probe_loss": lambda steps: 2.3 * (start + (ended - start) * steps / 300)},
        outcome=failed(initial_train_loss=2.3 * start, final_train_loss=2.3 * ended),
    )
    finding = RULE.remainder(replace(extract(record), total_update=2.0), record, THRESHOLDS, doubt=0.0)
    assert finding is not None
    assert finding.blames[0] == blamed
    assert ("start with smaller weights or outputs" in finding.summary) is (blamed == "initialization")


@pytest.mark.parametrize(("name", "rate", "blamed"), [("Adam", 0.05, "learning_rate"), ("Adam", 0.01, "labels")])
def test_a_rate_beyond_the_usual_is_lowered_before_labels_are_suspected(name, rate, blamed) -> None:
    look = but(CLASSIFIER, "optimizer", name=name, learning_rate=rate)
    record = seen(look, record=changed(healthy_record(), {"probe_loss": 2.3}, outcome=failed()))
    finding = diagnose(record).findings[0]
    assert (finding.condition, finding.blames[0]) == ("slow_convergence", blamed)
    assert ("0.05 is more than usual for Adam" in finding.summary) is (blamed == "learning_rate")


@pytest.mark.parametrize(("to", "moved", "there"), [(0.99, 1e-6, True), (0.7, 1e-6, False), (0.99, 0.1, False)])
def test_steps_that_are_too_small_are_named_without_a_loss_to_compare_with_where_the_loss_stays(to, moved, there):
    """A loss that stays says nothing by itself: that of a generator does so while its discriminator learns."""
    record = changed(
        healthy_record(),
        {
            "train_loss": lambda steps: 2.3 * (1 + (to - 1) * steps / steps.max()),
            "update_to_weight_ratio": moved / 300,
        },
        outcome=outcome(constant_loss=None),
    )
    found = {each.condition: each for each in diagnose(record).findings}
    assert ("slow_convergence" in found) is there
    if there:
        assert "still 99 % of what it was at first" in found["slow_convergence"].summary


@pytest.mark.parametrize(("norm", "there"), [(0.01, True), (6.0, False)])
def test_weights_that_start_next_to_zero_are_named_without_a_loss_to_compare_with_where_the_loss_stays(norm, there):
    """A norm of 6 is common in layers of 32 x 32; factors of .001 stay where a ranking costs ln 2."""
    record = changed(
        healthy_record(),
        {"train_loss": lambda steps: 0.6931 - 1e-6 * steps / steps.max(), "weight_norm_l2": norm},
        outcome=outcome(constant_loss=0.0),
    )
    found = {each.condition: each for each in diagnose(seen(CLASSIFIER, record=record)).findings}
    assert ("slow_convergence" in found) is there
    if there:
        finding = found["slow_convergence"]
        assert (finding.blames[0], finding.harm) == ("initialization", True)
        assert "still 100 % of what it was at first" in finding.summary


@pytest.mark.parametrize(("name", "moved", "there"), [("SGD", 0.49, True), ("SGD", 0.51, False), ("Adam", 0.49, False)])
def test_plain_descent_that_moved_no_layer_by_half_of_its_size_is_too_slow_where_the_loss_stays(name, moved, there):
    record = changed(
        healthy_record(),
        {"train_loss": lambda steps: 2.3 - 0.001 * steps / steps.max(), "update_to_weight_ratio": moved / 300},
        outcome=outcome(constant_loss=0.0),
    )
    look = but(CLASSIFIER, "optimizer", name=name, momentum=0.0)
    found = {each.condition: each for each in diagnose(replace(record, preflight=look)).findings}
    assert ("slow_convergence" in found) is there
    if there:
        finding = found["slow_convergence"]
        assert finding.blames[0] == "learning_rate"
        assert "raise the learning rate" in finding.summary
        assert 0.5 < finding.confidence < 0.7
        assert "set_learning_rate" in remedies(finding)


@pytest.mark.parametrize(("fraction", "blamed"), [(0.4, "learning_rate"), (0.9, "clipping")])
def test_where_clipping_sets_the_size_of_small_steps_it_is_blamed_first(fraction, blamed):
    """A loss that scatters around the constant predictor's, in steps that move no layer by its own size."""
    scattered = {"train_loss": lambda steps: 2.3 * (1 + 0.2 * np.sin(7.0 * steps**2)), "update_to_weight_ratio": 0.001}
    record = changed(stuck(), scattered)
    clipped = Series(np.arange(4, dtype=np.int32), np.full((4, 1), fraction, np.float32))
    series = {name: each for name, each in record.series.items() if name != "probe_loss"}
    record = replace(record, series={**series, "clipped": clipped})
    finding = diagnose(seen(CLASSIFIER, record=record)).findings[0]
    assert (finding.condition, finding.blames[0]) == ("slow_convergence", blamed)


def with_rates(record, *rates):
    """The record whose learning rate was recorded at even distances."""
    steps = np.linspace(0, 300, len(rates)).astype(np.int32)
    values = np.array(rates, np.float32)[:, None]
    return replace(record, series={**record.series, "learning_rate": Series(steps, values)})


@pytest.mark.parametrize(
    ("rates", "faded"),
    [
        ((4.0, 0.01), True),
        ((0.01,), False),
        ((100.0, 1.0, 0.0), False),
        ((100.0, 0.99, 0.0), True),
        ((0.0, 0.0), False),
    ],
)
def test_a_schedule_ended_early_if_less_than_a_hundredth_of_the_rate_was_left_halfway(rates, faded) -> None:
    record = with_rates(IDLE, *rates)
    assert (RULE.judge(extract(record), record, THRESHOLDS).blames[0] == "schedule") is faded
    clipped = with_rates(clipping(0.5), *rates)
    assert RULE.judge(extract(clipped), clipped, THRESHOLDS).blames[0] == ("schedule" if faded else "learning_rate")


@pytest.mark.parametrize(("first", "thrown"), [(1.0, True), (0.99, False)])
def test_a_first_step_as_large_as_the_weights_threw_the_training_back(first, thrown) -> None:
    updates = {"update_to_weight_ratio": lambda steps: np.where(steps == 0, first, 0.001)}
    record = changed(stuck(), updates, outcome=failed())
    said = RULE.remainder(extract(record), record, THRESHOLDS, doubt=0.0).summary
    assert ("the first step changed a typical layer by 1 times its size" in said) is thrown


@pytest.mark.parametrize(("total_update", "large"), [(9.0, False), (9.1, True)])
def test_steps_of_more_than_three_percent_each_are_large(total_update, large) -> None:
    """Over 300 steps."""
    assert ("each step changes a layer by" in left([1.0] * 9, total_update=total_update).summary) is large


@pytest.mark.parametrize(
    ("ended", "total_update", "said"),
    [
        (0.95, 0.5, "no longer falling"),
        (0.96, 0.5, "so take larger steps"),
        (0.95, 1.0, "no longer falling"),
        (0.96, 1.0, "at the level of guessing"),
        (1.04, 1.0, "at the level of guessing"),
        (1.05, 1.0, "no longer falling"),
    ],
)
def test_guessing_is_to_be_within_five_percent_of_always_predicting_the_average(ended, total_update, said) -> None:
    assert said in left([ended] * 9, ended=ended, total_update=total_update).summary


@pytest.mark.parametrize(
    ("began", "ended", "high"), [(3.1, 1.06, True), (3.0, 1.06, False), (3.1, 1.05, False), (3.1, 1.04, False)]
)
def test_a_loss_that_comes_down_from_three_times_the_average_s_started_too_high(began, ended, high) -> None:
    said = left([2.0] * 6 + [ended] * 3, ended=ended, began=began, total_update=0.5).summary
    assert ("is still on its way down" in said) is high


def test_initial_weights_far_smaller_than_those_of_any_scheme_come_first():
    """Weights of 32 x 32 with a norm of .9 have a gain of .9 / 32 * sqrt(32) / sqrt(32) = .028."""
    small = changed(stuck(), {"weight_norm_l2": 0.028 * 32**0.5})
    finding = diagnose(small).findings[0]
    assert (finding.condition, finding.blames[0]) == ("slow_convergence", "initialization")
    assert "draw them as those do" in finding.summary
    usual = changed(stuck(), {"weight_norm_l2": 0.031 * 32**0.5})
    assert "initialization" not in diagnose(usual).findings[0].blames


def test_initial_weights_far_smaller_than_those_of_any_scheme_lead_though_another_condition_is_near():
    tiny = {"weight_norm_l2": 0.01 * 32**0.5, "update_to_weight_ratio": lambda steps: np.where(steps == 0, 2.0, 1e-3)}
    finding = diagnose(with_slope(changed(stuck(), tiny, outcome=failed()), 1.4)).findings[0]
    assert (finding.condition, finding.blames[0]) == ("slow_convergence", "initialization")
    assert finding.confidence > 0.8


def test_initial_weights_far_larger_than_those_of_any_scheme_come_first():
    """As those of mixers and residual networks times ten: their norms undo the scale, and make the steps too small."""
    large, usual = (changed(stuck(), {"weight_norm_l2": gain * 32**0.5}) for gain in (3.1, 2.9))
    finding = diagnose(large).findings[0]
    assert (finding.condition, finding.blames[0]) == ("slow_convergence", "initialization")
    assert "3.1 times their inputs' size" in finding.summary
    assert "initialization" not in diagnose(usual).findings[0].blames


def test_numbers_of_categories_come_first_where_steps_were_not_lacking():
    coded = but(CLASSIFIER, "inputs", codes=2)
    moved = seen(coded, record=changed(stuck(), {"update_to_weight_ratio": 0.01}))
    finding = diagnose(moved).findings[0]
    assert (finding.condition, finding.blames[0]) == ("slow_convergence", "data")
    assert "2 columns of the inputs hold the whole numbers" in finding.summary
    embedded = replace(moved, weights=(replace(moved.weights[0], module="Embedding"), *moved.weights[1:]))
    still = changed(stuck(), {"update_to_weight_ratio": 0.003})
    for other in (seen(CLASSIFIER, record=moved), seen(coded, record=still), embedded):
        assert diagnose(other).findings[0].blames[0] != "data"
