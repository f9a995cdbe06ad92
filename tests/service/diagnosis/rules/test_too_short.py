from dataclasses import replace

import numpy as np
import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.diagnosis.features import extract
from gradclinic.diagnosis.rules.too_short import TooShort
from gradclinic.diagnosis.thresholds import Thresholds
from gradclinic.measurements.preflight import OrderFacts, PairingFacts

from ..records import changed, failed, healthy_record, outcome, truncated
from ..seen import CLASSIFIER, but, seen


def falling(*, to: float, steps_per_unit: float = 300.0):
    """A loss that falls in a straight line from the constant predictor's to a fraction of it."""
    record = changed(
        healthy_record(),
        {"probe_loss": lambda steps: 2.3 * (1 - (1 - to) * steps / steps_per_unit)},
        outcome=failed(final_train_loss=2.3 * to),
    )
    return seen(CLASSIFIER, record=record)


def test_a_loss_that_falls_in_a_straight_line_is_followed_to_where_it_has_learned():
    """From 1 to 0.8 in 300 steps: 0.5 comes after 750 steps, 2.5 times as many."""
    finding = diagnose(falling(to=0.8)).findings[0]
    assert finding.condition == "too_short"
    assert finding.blames[0] == "steps"
    assert {each.name: each.value for each in finding.evidence}["steps_needed"] == pytest.approx(2.5, rel=0.01)


def test_a_loss_that_recovers_from_a_first_step_as_large_as_the_weights_blames_the_rate():
    thrown = changed(
        falling(to=0.8),
        {"update_to_weight_ratio": lambda steps: np.where(steps == 0, 15.0, 0.05)},
        outcome=failed(final_train_loss=2.3 * 0.8),
    )
    finding = diagnose(thrown).findings[0]
    assert (finding.condition, finding.blames[0], finding.harm) == ("slow_convergence", "learning_rate", True)
    assert "the first step changed a typical layer by 15 times its size" in finding.summary


@pytest.mark.parametrize(("gain", "than"), [(0.028, "smaller"), (3.1, "larger"), (2.9, None)])
def test_initial_weights_of_another_size_than_any_scheme_s_come_before_the_steps(gain, than):
    finding = diagnose(changed(falling(to=0.8), {"weight_norm_l2": gain * 32**0.5})).findings[0]
    assert finding.condition == "too_short"
    assert finding.blames[0] == ("steps" if than is None else "initialization")
    assert than is None or f"far {than} than those of any common scheme" in finding.summary


def test_a_few_more_steps_are_told_to_the_hundredth():
    """From 0.52, a line that fell by 0.48 in all steps takes 4 % more."""
    summary = diagnose(falling(to=0.52)).findings[0].summary
    assert "train for 1.04 to 1.1 times as many (if the pace lasts, and if it falls as one over the steps)" in summary


def test_a_loss_that_stands_still_needs_something_else_than_steps():
    level = changed(healthy_record(), {"probe_loss": lambda steps: 2.3 + 0 * steps}, outcome=failed())
    assert "too_short" not in {finding.condition for finding in diagnose(level).findings}


def test_a_pace_that_takes_more_than_twenty_times_the_steps_is_no_forecast():
    assert "too_short" not in {finding.condition for finding in diagnose(falling(to=0.98)).findings}


@pytest.mark.parametrize(
    ("to", "a_step", "condition"),
    [(0.92, 0.005, "slow_convergence"), (0.92, 0.003, "too_short"), (0.89, 0.005, "too_short")],
)
def test_a_network_that_moved_far_and_learned_next_to_nothing_does_not_lack_steps(to, a_step, condition):
    finding = diagnose(changed(falling(to=to), {"update_to_weight_ratio": a_step})).findings[0]
    assert finding.condition == condition
    assert finding.blames[0] == ("steps" if condition == "too_short" else "labels")


@pytest.mark.parametrize(
    ("a_step", "optimizer", "units", "blamed"),
    [
        (0.0101, "Adam", 32, ("data", "architecture", "steps")),
        (0.0101, "Adam", 4, ("data", "architecture", "steps")),
        (0.0101, "Adam", 3, ("architecture", "data", "steps")),
        (0.0099, "Adam", 3, ("steps", "learning_rate", "data")),
        (0.0030, "SGD", 32, ("learning_rate", "steps", "optimizer")),
        (0.0034, "SGD", 32, ("steps", "learning_rate", "data")),
        (0.0030, "Adam", 32, ("steps", "learning_rate")),
        (0.0011, "Adam", 32, ("steps", "learning_rate")),
        (0.0009, "Adam", 32, ("learning_rate", "steps", "optimizer")),
    ],
)
def test_what_is_suspected_follows_how_far_the_weights_moved(a_step, optimizer, units, blamed):
    record = changed(falling(to=0.8), {"update_to_weight_ratio": a_step}, outcome=failed(final_train_loss=2.3 * 0.8))
    sites = (*record.sites[:-1], replace(record.sites[-1], units=units))
    look = but(CLASSIFIER, "optimizer", name=optimizer, momentum=0.0)
    finding = diagnose(replace(record, sites=sites, preflight=look)).findings[0]
    assert (finding.condition, finding.blames) == ("too_short", blamed)
    assert ("times its size already" in finding.summary) is (a_step > 1 / 300)


def test_noise_is_no_pace():
    rng = np.random.default_rng(0)
    noisy = changed(
        healthy_record(),
        {"probe_loss": lambda steps: 2.3 * (0.9 + 0.2 * rng.standard_normal(len(steps)))},
        outcome=failed(final_train_loss=2.1),
    )
    assert "too_short" not in {finding.condition for finding in diagnose(noisy).findings}


def judged(losses, *, look=CLASSIFIER, **features):
    """The rule on probes from the middle of the training to its end."""
    record = replace(falling(to=0.8), preflight=look)
    steps = np.linspace(150, 300, len(losses)).astype(np.int32)
    found = replace(extract(record), probe_steps=steps, probe_loss=np.array(losses, float), **features)
    return TooShort().judge(found, record, Thresholds())


def line(*, at_half, at_end, scatter=0.0, n=11):
    return np.linspace(at_half, at_end, n) + scatter * (-1.0) ** np.arange(n)


@pytest.mark.parametrize(
    ("at_half", "at_end", "needed", "confidence"),
    [(1.0, 0.9, 3.0, 0.71), (0.95, 0.9, 5.0, 0.71), (0.94, 0.9, 6.0, 0.71), (0.92, 0.9, 11.0, 0.71)],
)
def test_the_pace_of_the_last_half_is_followed_to_where_half_of_the_loss_is_left(
    at_half, at_end, needed, confidence
) -> None:
    """It falls by twice the difference in all of the steps; from its end it needs gap / pace more of them."""
    finding = judged(line(at_half=at_half, at_end=at_end), relative_train_loss=at_end)
    assert finding.evidence[0].value == pytest.approx(needed)
    assert finding.confidence == pytest.approx(confidence)
    assert f"train for at least {needed:.2g} times as many, and for more if the pace falls" in finding.summary


def test_a_pace_that_falls_as_one_over_the_steps_gives_the_most() -> None:
    """A loss of 0.6 - 0.5 ln(steps) comes to 0.5 at e^(0.1/0.5) = 1.22 times the steps."""
    losses = 0.6 - 0.5 * np.log(np.linspace(0.5, 1.0, 11))
    assert " to 1.2 times as many" in judged(losses, relative_train_loss=0.6).summary


def test_the_scatter_around_both_lines_gives_the_least_and_the_most() -> None:
    losses = line(at_half=0.7, at_end=0.6, scatter=0.01)
    ends = {}
    for name, at in (("line", np.linspace(0.5, 1.0, 11)), ("curve", np.log(np.linspace(0.5, 1.0, 11)))):
        slope, level = np.polyfit(at, losses, 1)
        residual = losses - slope * at - level
        error = 2 * np.sqrt((residual**2).sum() / (11 - 2) / ((at - at.mean()) ** 2).sum())
        ends[name] = (slope * at[-1] + level - 0.5, -slope, error)
    (gap, pace, error), (rest, slows, doubt) = ends["line"], ends["curve"]
    finding = judged(losses, relative_train_loss=0.6)
    assert finding.evidence[0].value == pytest.approx(1 + gap / pace)
    least, most = 1 + gap / (pace + error), np.exp(rest / (slows - doubt))
    assert f"train for {least:.2g} to {most:.2g} times as many" in finding.summary
    assert (round(least, 1), round(most, 1)) == (1.4, 2.5)


def test_a_pace_that_may_be_almost_none_has_no_upper_end() -> None:
    losses = line(at_half=1.0, at_end=0.9, scatter=0.0474)
    assert "for at least 2 times as many, and for more" in judged(losses, relative_train_loss=0.9).summary
    assert judged(line(at_half=1.0, at_end=0.9, scatter=0.05), relative_train_loss=0.9) is None


def test_eight_losses_are_enough_and_seven_are_not() -> None:
    assert judged(line(at_half=1.0, at_end=0.9, n=8)) is not None
    assert judged(line(at_half=1.0, at_end=0.9, n=7)) is None


def test_a_loss_that_rises_or_is_there_already_needs_no_more_steps() -> None:
    assert judged(line(at_half=0.9, at_end=1.0)) is None
    assert judged(line(at_half=0.6, at_end=0.45)) is None


@pytest.mark.parametrize(
    "features",
    [{"finished": False}, {"relative_train_loss": 0.4}, {"nonfinite_step": 200}],
)
def test_a_run_that_goes_on_learned_or_broke_off_is_not_told_to_go_on(features) -> None:
    assert judged(line(at_half=1.0, at_end=0.9), **features) is None


def test_a_run_into_which_nobody_looked_may_need_something_else() -> None:
    record = replace(falling(to=0.8), preflight=None)
    assert TooShort().judge(extract(record), record, Thresholds()) is None


@pytest.mark.parametrize(("steps", "there"), [(1, True), (19, True), (20, False)])
def test_a_training_of_a_few_steps_is_told_that_they_are_few(steps: int, there: bool) -> None:
    finding = judged(line(at_half=1.0, at_end=1.0), steps_done=steps, relative_train_loss=1.0)
    assert (finding is not None) == there
    if finding is not None:
        assert finding.blames == ("steps", "learning_rate")
        assert f"stopped after {steps} step" in finding.summary
        assert (finding.severity, finding.confidence) == ("warning", 0.87)


@pytest.mark.parametrize(("rate", "there"), [(1.0, True), (3.0, True), (8.0, False)])
def test_a_loss_that_levels_off_above_the_goal_needs_something_else_than_steps(rate, there) -> None:
    """Towards .7 as exp(-rate t), t from 0 to 1; at a rate of 8 a quarter leaves 1/7 of the pace."""
    at = np.linspace(0.5, 1.0, 41)
    losses = 0.7 + 0.25 * np.exp(-rate * at)
    assert (judged(losses, relative_train_loss=float(losses[-1])) is not None) is there


def test_a_loss_that_falls_as_one_over_the_steps_never_levels_off() -> None:
    losses = 0.6 / np.linspace(0.5, 1.0, 41)
    assert judged(losses, relative_train_loss=0.6) is not None


@pytest.mark.parametrize("steps", [1, 5, 19])
def test_so_few_steps_that_nothing_can_be_judged_by_them_are_too_few(steps):
    record = changed(truncated(healthy_record(), steps), outcome=failed(steps_done=steps))
    finding = diagnose(seen(CLASSIFIER, record=record)).findings[0]
    assert (finding.condition, finding.harm, finding.blames[0]) == ("too_short", True, "steps")
    assert finding.summary.startswith(f"Training stopped after {steps} step")


@pytest.mark.parametrize(("loss", "named"), [(0.02, False), (0.19, False), (0.21, True)])
def test_few_steps_that_were_enough_are_not_too_few(loss, named):
    record = changed(truncated(healthy_record(), 5), outcome=outcome(steps_done=5, final_train_loss=2.3 * loss))
    assert (diagnose(seen(CLASSIFIER, record=record)).primary == "too_short") is named


@pytest.mark.parametrize(
    ("takes", "to", "a_step", "there"),
    [("unknown", 0.8, 0.0101, False), ("unknown", 0.8, 0.0030, True), ("logits", 0.8, 0.0101, True)],
)
def test_a_loss_whose_floor_is_unknown_may_be_near_it_where_steps_were_not_lacking(takes, to, a_step, there):
    record = changed(falling(to=to), {"update_to_weight_ratio": a_step})
    look = but(CLASSIFIER, "loss", name="Own", takes=takes)
    assert ("too_short" in {each.condition for each in diagnose(seen(look, record=record)).findings}) is there


@pytest.mark.parametrize(("moved", "blames", "confidence"), [(0.9, 2, 0.87), (1.0, 3, 0.71)])
def test_weights_that_moved_by_their_own_size_make_it_less_certain_that_steps_are_missing(moved, blames, confidence):
    finding = judged(line(at_half=1.0, at_end=0.7), total_update=moved)
    assert (len(finding.blames), finding.confidence) == (blames, confidence)


@pytest.mark.parametrize(("loss", "there"), [(0.2, False), (0.21, True)])
def test_few_steps_that_left_a_fifth_of_the_loss_are_not_too_few(loss, there):
    assert (judged(line(at_half=1.0, at_end=1.0), steps_done=5, relative_train_loss=loss) is not None) is there


@pytest.mark.parametrize(("first", "there"), [(0.99, True), (1.0, False)])
def test_a_first_step_as_large_as_the_weights_leaves_no_pace_to_follow(first, there):
    record = changed(falling(to=0.8), {"update_to_weight_ratio": lambda steps: np.where(steps == 0, first, 0.001)})
    assert ("too_short" in {each.condition for each in diagnose(record).findings}) is there


@pytest.mark.parametrize(("moved", "blamed"), [(2.99, "steps"), (3.0, "data")])
def test_weights_that_moved_by_three_times_their_size_make_the_data_the_first_suspect(moved, blamed):
    losses, own = line(at_half=1.0, at_end=0.7), but(CLASSIFIER, "loss", name="Own", takes="unknown")
    assert judged(losses, total_update=moved).blames[0] == blamed
    assert (judged(losses, look=own, total_update=moved) is not None) is (blamed == "steps")


@pytest.mark.parametrize(("moved", "said"), [(12.0, "12"), (99.0, "99"), (100.0, "100"), (1234.0, "1234")])
def test_a_factor_is_told_in_two_figures_below_a_hundred_and_as_a_whole_number_from_there_on(moved, said):
    assert f"moved by {said} times" in judged(line(at_half=1.0, at_end=0.7), total_update=moved).summary


def test_weights_far_smaller_than_those_of_any_scheme_may_be_why_the_loss_falls_slowly():
    small = changed(falling(to=0.8), {"weight_norm_l2": 0.028 * 32**0.5})
    finding = diagnose(small).findings[0]
    assert (finding.condition, finding.blames[0]) == ("too_short", "initialization")


@pytest.mark.parametrize(("a_step", "condition"), [(0.0101, "insufficient_evidence"), (0.0099, "too_short")])
def test_a_language_model_that_moved_far_may_go_on_to_fall_and_be_sound(a_step, condition):
    text = CLASSIFIER.model_copy(update={"next_token": True})
    record = changed(falling(to=0.8), {"update_to_weight_ratio": a_step}, outcome=failed(final_train_loss=2.3 * 0.8))
    assert diagnose(seen(text, record=record)).primary == condition


@pytest.mark.parametrize(
    ("steps", "to", "there"), [(99, 0.49, True), (100, 0.49, False), (99, 0.21, True), (99, 0.2, False)]
)
def test_a_part_that_was_learned_in_few_steps_while_the_loss_fell_is_noted_without_harm(steps, to, there):
    falls = falling(to=to, steps_per_unit=steps)
    short = replace(truncated(falls, steps), outcome=outcome(steps_done=steps, final_train_loss=2.3 * to))
    first, *others = diagnose(short).findings
    assert first.condition == ("healthy" if to < 0.4 else "insufficient_evidence")  # it just came below a half
    assert [finding.condition for finding in others] == (["too_short"] if there else [])
    for finding in others:
        assert (finding.blames[0], finding.severity, finding.harm) == ("steps", "info", False)
        assert f"still falling when training stopped after {steps} steps, so more steps lower it" in finding.summary


def test_a_loss_that_stands_after_few_steps_had_enough():
    stands = changed(falling(to=0.4), {"probe_loss": 2.3 * 0.4})
    short = replace(truncated(stands, 60), outcome=outcome(steps_done=60, final_train_loss=2.3 * 0.4))
    assert diagnose(short).primary == "healthy"


@pytest.mark.parametrize(("correlation", "condition"), [(0.079, "insufficient_evidence"), (0.08, "too_short")])
def test_a_loss_that_falls_to_noise_needs_no_more_steps(correlation, condition):
    pairing = PairingFacts(samples=512, correlation=correlation, p_value=1e-5, amounts=True)
    record = changed(falling(to=0.8), {"update_to_weight_ratio": 0.005}, outcome=failed(final_train_loss=2.3 * 0.8))
    assert diagnose(seen(CLASSIFIER.model_copy(update={"pairing": pairing}), record=record)).primary == condition


@pytest.mark.parametrize(("sees_later", "second"), [(False, "architecture"), (True, "learning_rate")])
def test_where_a_causal_mask_may_hide_what_is_needed_it_is_to_be_checked(sees_later, second):
    order = OrderFacts(steps=10, blind=False, sees_later=sees_later, predicts_next=False)
    record = changed(falling(to=0.8), {"update_to_weight_ratio": 0.005}, outcome=failed(final_train_loss=2.3 * 0.8))
    finding = diagnose(seen(CLASSIFIER.model_copy(update={"order": order}), record=record)).findings[0]
    assert (finding.condition, finding.blames[1]) == ("too_short", second)
    assert ("the causal mask hides" in finding.summary) is not sees_later


def own_loss(levels, *, moved=0.1):
    """A loss of the program's own, which nothing is known to compare with."""
    updates = {"update_to_weight_ratio": moved / 300.0}
    record = changed(healthy_record(), {"train_loss": levels, **updates}, outcome=outcome(constant_loss=None))
    return diagnose(seen(but(CLASSIFIER, "loss", name="Own", takes="unknown"), record=record))


@pytest.mark.parametrize(
    ("rate", "there"), [(0.0, True), (1.0, True), (1.6, True), (1.8, False), (3.0, False), (9.0, False)]
)
def test_a_loss_without_a_yardstick_that_falls_until_the_end_is_not_there_yet(rate, there):
    """Of what decays as e^-rt, 1 / (1 + e^(r/2)) of the fall comes in the second half: .31 at 1.6, .29 at 1.8."""
    way = lambda part: part if rate == 0 else (1.0 - np.exp(-rate * part)) / (1.0 - np.exp(-rate))  # noqa: E731
    first = own_loss(lambda steps: 13.0 - 5.0 * way(steps / 299.0)).findings[0]
    assert (first.condition == "too_short") is there
    if there:
        assert (first.harm, first.blames[:2]) == (True, ("learning_rate", "steps"))
        assert first.evidence[0].value == pytest.approx(1.0 / (1.0 + np.exp(rate / 2)), abs=0.03)


@pytest.mark.parametrize(
    ("levels", "moved"),
    [
        (lambda steps: 3.0 - steps / 60.0, 0.1),  # below 0 at the end
        (lambda steps: 13.0 - steps / 60.0, 30.0),  # steps were not lacking
        (lambda steps: 8.0 + steps / 60.0, 0.1),  # it rises
        (lambda steps: 13.0 - steps / 60.0 + 20.0 * (steps % 2), 0.1),  # it may as well stand still
        (lambda steps: 8.0 - steps / 3000.0 + 0.1 * (steps % 2), 0.1),  # by less than it scatters, as in a GAN
    ],
)
def test_a_loss_without_a_yardstick_needs_a_clear_pace_above_0_and_small_steps(levels, moved):
    assert "too_short" not in {each.condition for each in own_loss(levels, moved=moved).findings}
