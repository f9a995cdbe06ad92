import math
from dataclasses import replace

import numpy as np
import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.diagnosis.features import extract
from gradclinic.diagnosis.rules.loss_mismatch import LossMismatch
from gradclinic.diagnosis.thresholds import Thresholds
from gradclinic.measurements.preflight import InnerLoss
from gradclinic.measurements.record import Series
from gradclinic.remedies.against import LOG_PROBABILITIES, PLAIN_OUTPUTS, USUAL_LOSS

from ..records import changed, failed, healthy_record, outcome, stuck
from ..seen import CLASSIFIER, REGRESSION, SQUARED_ERROR, but, seen


@pytest.mark.parametrize(("classes", "floor"), [(10, 1.4612), (3, 0.5514)])
def test_probabilities_before_a_loss_of_logits_are_named_with_the_floor_of_the_loss(classes, floor):
    """The best that probabilities can do is one at the right class: ln(e + C - 1) - 1."""
    look = but(CLASSIFIER, "outputs", activation="softmax", form="probabilities", columns=classes)
    finding = diagnose(seen(look)).findings[0]
    assert finding.condition == "loss_mismatch"
    assert finding.evidence[0].value == pytest.approx(floor, abs=1e-4)
    assert finding.evidence[0].value == pytest.approx(math.log(math.e + classes - 1) - 1)
    assert "drop the softmax" in finding.summary


@pytest.mark.parametrize(("ones", "floor", "chance"), [(0.5, "0.50", "0.69"), (0.1, "0.66", "0.33")])
def test_a_sigmoid_before_a_loss_of_logits_is_named_with_the_floor_of_each_output(ones, floor, chance):
    """At best 1 for a one and 0 for a zero: ones ln(1 + 1/e) + (1 - ones) ln 2."""
    look = but(CLASSIFIER, "outputs", activation="sigmoid", form="unit_interval", columns=10)
    look = but(
        but(look, "loss", name="BCEWithLogitsLoss"),
        "targets",
        form="one_hot",
        columns=10,
        mean=ones,
        high=1.0,
        outside_unit=0.0,
    )
    finding = diagnose(seen(look)).findings[0]
    assert finding.condition == "loss_mismatch"
    assert finding.evidence[0].value == pytest.approx(ones * math.log(1 + 1 / math.e) + (1 - ones) * math.log(2))
    assert f"below {floor} nats, where guessing costs {chance}: drop the sigmoid" in finding.summary


@pytest.mark.parametrize("ones", [0.0, 1.0])
def test_of_targets_that_are_all_alike_the_floor_is_that_of_half_of_each(ones):
    look = but(CLASSIFIER, "outputs", activation="sigmoid", form="unit_interval", columns=10)
    look = but(
        but(look, "loss", name="BCEWithLogitsLoss"), "targets", form="one_hot", columns=10, mean=ones, outside_unit=0.0
    )
    found = {finding.condition: finding for finding in diagnose(seen(look)).findings}
    assert "below 0.50 nats, where guessing costs 0.69" in found["loss_mismatch"].summary


def test_cross_entropy_over_one_output_is_zero_whatever_the_weights_are():
    finding = diagnose(seen(but(CLASSIFIER, "outputs", columns=1))).findings[0]
    assert (finding.condition, finding.blames[0]) == ("loss_mismatch", "loss")
    assert "BCEWithLogitsLoss" in finding.summary


def test_plain_numbers_before_a_loss_of_log_probabilities_have_no_lower_bound():
    finding = diagnose(seen(but(CLASSIFIER, "loss", name="NLLLoss", takes="log_probabilities"))).findings[0]
    assert finding.condition == "loss_mismatch"
    assert "log_softmax" in finding.summary


def test_log_probabilities_are_what_it_takes():
    look = but(CLASSIFIER, "outputs", form="log_probabilities", activation="log_softmax", high=-0.1)
    look = but(look, "loss", name="NLLLoss", takes="log_probabilities")
    assert "loss_mismatch" not in {finding.condition for finding in diagnose(seen(look)).findings}


def test_shapes_that_are_broadcast_are_named():
    finding = diagnose(seen(but(REGRESSION, "loss", broadcasts=True))).findings[0]
    assert (finding.condition, finding.blames[0]) == ("loss_mismatch", "wiring")
    assert "same shape" in finding.summary


def test_one_output_that_is_compared_with_several_columns_of_targets_wants_more_units():
    finding = diagnose(seen(but(but(REGRESSION, "loss", broadcasts=True), "targets", columns=3))).findings[0]
    assert (finding.condition, finding.blames[0]) == ("loss_mismatch", "architecture")
    assert "give the last layer 3 units" in finding.summary


def test_classes_treated_as_numbers_are_named():
    look = but(REGRESSION, "targets", whole=True, distinct=10, low=0.0, high=9.0)
    finding = next(each for each in diagnose(seen(look)).findings if each.condition == "loss_mismatch")
    assert "10 different ones" in finding.summary


def test_sound_losses_are_none():
    for look in (CLASSIFIER, REGRESSION):
        assert "loss_mismatch" not in {finding.condition for finding in diagnose(seen(look)).findings}


def judged(look, ended=None):
    record = seen(look, outcome=ended)
    return LossMismatch().judge(extract(record), record, Thresholds())


def test_a_single_sigmoid_before_a_loss_of_logits_is_measured_as_two_classes():
    """At best the right class gets the logit 1 and the other 0: ln(e + 1) - 1 = .313, where guessing costs ln 2."""
    look = but(but(CLASSIFIER, "outputs", activation="sigmoid", columns=1), "loss", name="BCEWithLogitsLoss")
    finding = judged(look)
    assert f"cannot fall below {finding.evidence[0].value:.2f} nats, where guessing costs 0.69" in finding.summary
    assert judged(but(look, "outputs", activation="identity")) is None
    assert judged(but(look, "loss", takes="probabilities")) is None
    ten = judged(but(CLASSIFIER, "outputs", activation="tanh"))
    assert "where guessing costs 2.30" in ten.summary


def test_probabilities_before_a_loss_of_log_probabilities_are_named_as_such():
    look = but(CLASSIFIER, "loss", name="NLLLoss", takes="log_probabilities")
    assert "gets plain numbers" in judged(look).summary
    probabilities = but(look, "outputs", form="probabilities")
    assert "gets probabilities" in judged(probabilities).summary
    divergence = but(look, "loss", name="KLDivLoss")
    assert judged(divergence) is not None
    assert judged(but(divergence, "outputs", high=0.0)) is None


@pytest.mark.parametrize(
    ("targets", "there"),
    [
        ({"whole": True, "distinct": 3, "low": 0.0}, True),
        ({"whole": True, "distinct": 2, "low": 0.0}, False),
        ({"whole": True, "distinct": 20, "low": 0.0}, True),
        ({"whole": True, "distinct": 21, "low": 0.0}, False),
        ({"whole": True, "distinct": 3, "low": -1.0}, False),
        ({"whole": True, "distinct": 3, "low": 0.0, "columns": 2}, False),
        ({"whole": False, "distinct": 3, "low": 0.0}, False),
        ({"form": "one_hot"}, True),
        ({"form": "indices"}, True),
        ({"form": "multi_hot"}, True),
        ({"form": "multi_hot", "columns": 5}, False),
        ({"form": "one_hot", "distinct": 1}, False),
    ],
)
def test_a_few_whole_numbers_from_0_on_or_marks_are_classes(targets, there):
    assert (judged(but(REGRESSION, "targets", **targets)) is not None) is there


def test_without_a_loss_outputs_or_targets_nothing_can_mismatch():
    classes = but(REGRESSION, "targets", form="indices")
    for part in ("loss", "outputs", "targets"):
        assert judged(classes.model_copy(update={part: None})) is None
    assert judged(but(classes, "loss", takes="unknown")) is None
    one = but(CLASSIFIER, "outputs", columns=1)
    assert judged(one) is not None
    assert judged(but(one, "loss", name="SomeLoss", takes="unknown")) is None


def test_an_activation_that_cuts_logits_below_zero_is_named_as_a_possibility():
    finding = judged(but(CLASSIFIER, "outputs", activation="relu", low=0.0))
    assert finding.blames == ("output_activation", "loss")
    assert finding.confidence == 0.6
    assert "drop the relu" in finding.summary
    assert judged(but(REGRESSION, "outputs", activation="relu")) is None


def test_cross_entropy_over_rows_with_several_labels_is_named():
    """A mean of .3 over six columns is 1.8 labels a row."""
    targets = {"form": "multi_hot", "columns": 6, "mean": 0.3, "low": 0.0, "high": 1.0, "distinct": 40}
    finding = judged(but(CLASSIFIER, "targets", **targets))
    assert (finding.blames[0], finding.evidence[0].value) == ("loss", pytest.approx(1.8))
    assert "BCEWithLogitsLoss" in finding.summary
    one_hot = but(CLASSIFIER, "targets", **{**targets, "form": "one_hot"})
    assert judged(one_hot) is None
    logits = but(but(CLASSIFIER, "targets", **targets), "loss", name="BCEWithLogitsLoss")
    assert judged(logits) is None


@pytest.mark.parametrize("ended", [{"constant_loss": None}, {"final_train_loss": -4.0}])
def test_a_certain_mismatch_does_harm_where_there_is_no_loss_to_compare_with(ended):
    record = seen(but(REGRESSION, "loss", broadcasts=True), outcome=failed(**ended))
    diagnosis = diagnose(record)
    assert (diagnosis.primary, diagnosis.findings[0].harm) == ("loss_mismatch", True)


@pytest.mark.parametrize(
    ("look", "harm"),
    [
        (but(REGRESSION, "loss", broadcasts=True), True),
        (but(CLASSIFIER, "loss", name="NLLLoss", takes="log_probabilities"), True),
        (but(CLASSIFIER, "outputs", activation="softmax", form="probabilities"), False),
    ],
)
def test_a_loss_that_falls_for_other_reasons_than_right_outputs_does_harm_however_low_it_falls(look, harm):
    """Shapes that are broadcast, and a loss without a lower bound; logits between 0 and 1 can still be learned."""
    finding = next(each for each in diagnose(seen(look, outcome=outcome())).findings if each.blames)
    assert (finding.condition, finding.harm) == ("loss_mismatch", harm)
    assert ("does not show that the network learned" in finding.summary) is harm


def test_zeros_and_ones_that_are_fitted_as_numbers_do_not_lead_since_that_can_work():
    answers = but(CLASSIFIER, "targets", form="multi_hot", columns=1, distinct=2, low=0.0, high=1.0, outside_unit=0.0)
    answers = answers.model_copy(
        update={"loss": SQUARED_ERROR, "outputs": answers.outputs.model_copy(update={"columns": 1})}
    )
    found = diagnose(seen(answers, record=stuck()))
    (finding,) = (each for each in found.findings if each.condition == "loss_mismatch")
    assert (found.primary, finding.confidence, finding.severity) == ("slow_convergence", 0.5, "warning")


def class_numbers(**changes: object):
    """Squared error of the numbers 0 to 5, each about as often: their standard deviation is 1.71."""
    numbers = {"mean": 2.5, "std": 1.71, "low": 0.0, "high": 5.0, "whole": True, "distinct": 6, "most_common": 0.19}
    return but(REGRESSION, "targets", **(numbers | changes))


@pytest.mark.parametrize(("loss", "harm"), [(0.055, True), (0.025, False)])
def test_class_numbers_that_round_to_other_classes_do_harm_though_their_squared_error_fell(loss, harm):
    """The root of 5.5 % of the variance is an error of 0.40 classes, that of 2.5 % is 0.27; the limit is 0.3."""
    ended = outcome(final_train_loss=2.3 * loss)
    found = {each.condition: each for each in diagnose(seen(class_numbers(), outcome=ended)).findings}
    assert found["loss_mismatch"].harm is harm
    assert ("off by 0.4 on average" in found["loss_mismatch"].summary) is harm


@pytest.mark.parametrize(
    "changes", [{"low": 1.0, "high": 6.0}, {"most_common": 0.26}, {"high": 7.0}, {"distinct": 21, "high": 20.0}]
)
def test_ratings_and_counts_that_were_learned_as_numbers_do_no_harm(changes):
    look = class_numbers(**changes)
    assert diagnose(seen(look, outcome=outcome(final_train_loss=2.3 * 0.055))).primary == "healthy"


def test_a_loss_that_is_maximized_is_named_before_everything_else_about_it():
    finding = diagnose(seen(but(CLASSIFIER, "loss", maximized=True))).findings[0]
    assert (finding.condition, finding.blames) == ("loss_mismatch", ("loss",))
    assert finding.summary.startswith("Training makes CrossEntropyLoss larger")


@pytest.mark.parametrize(
    ("losses", "named"),
    [
        (lambda steps: -0.7 - steps / 10, True),
        (lambda steps: 0.1 - steps / 10, False),
        (lambda steps: -0.7 - steps / 100, False),
        (lambda steps: -0.1 - 0.9 * (1 - np.exp(-steps / 30)), False),
        (lambda steps: -0.1 - 3 * np.log1p(steps), False),
        (lambda steps: np.where(steps == 0, 0.0, -0.7 - steps / 10), False),
        (lambda steps: np.where(steps < 150, -1.0, -10.0), False),
        (lambda steps: np.where(steps < 150, -1.0, np.where(steps < 200, -10.0, -13.0)), True),
        (lambda steps: np.where(steps < 150, -1.0, np.where(steps < 200, -10.25, -13.0)), False),
    ],
    ids=[
        *("straight down", "from above 0", "not far", "a similarity", "a density that narrows"),
        *("from 0", "to ten times", "a quarter in the second half", "less than a quarter"),
    ],
)
def test_a_loss_of_ones_own_that_begins_below_zero_and_falls_without_end_has_the_wrong_sign(losses, named):
    look = but(CLASSIFIER, "loss", name="Own", takes="unknown")
    record = changed(healthy_record(), {"train_loss": losses}, outcome=failed(constant_loss=None))
    found = {each.condition: each for each in diagnose(seen(look, record=record)).findings}
    assert ("loss_mismatch" in found) is named
    if named:
        assert found["loss_mismatch"].blames == ("loss",)
        assert "put a minus before it" in found["loss_mismatch"].summary


@pytest.mark.parametrize(
    ("weight", "fraction", "named"),
    [(0.05, 0.03, True), (19.0, 0.03, False), (0.5, 0.5, True), (0.6, 0.03, False), (0.1, 0.8, False)],
)
def test_weights_that_make_the_rare_class_rarer_are_upside_down(weight, fraction, named):
    look = but(CLASSIFIER, "loss", rare_weight=weight, rare_fraction=fraction)
    finding = diagnose(seen(look)).findings[0]
    assert (finding.condition == "loss_mismatch") is named
    if named:
        assert finding.blames[0] == "loss"
        assert "upside down" in finding.summary


@pytest.mark.parametrize(
    ("weight", "fraction", "which"),
    [
        (1000.0, 0.9, "rarest class count 900 times"),
        (100.0, 0.5, "rarest class count 50 times"),
        (99.0, 0.5, ""),
        (0.01, 0.8, "most common class count 125 times"),
        (0.05, 0.8, ""),
        (1.0, 0.03, ""),  # rare, and without weights of classes
    ],
)
def test_weights_that_let_one_class_decide_do_harm_also_where_the_loss_fell(weight, fraction, which):
    look = but(CLASSIFIER, "loss", rare_weight=weight, rare_fraction=fraction)
    found = judged(look, ended=outcome())
    assert (found is not None) is bool(which)
    if found is not None:
        assert which in found.summary
        assert "does not show that the network learned" in found.summary
        assert (found.harm, found.blames[0]) == (True, "loss")


def test_a_loss_that_hardly_counts_a_class_falls_without_it_so_that_its_fall_shows_nothing():
    look = but(CLASSIFIER, "loss", rare_weight=0.05, rare_fraction=0.03)
    finding = diagnose(seen(look, outcome=outcome())).findings[0]
    assert (finding.condition, finding.harm) == ("loss_mismatch", True)


def test_outputs_whose_axes_were_mixed_up_do_harm_also_where_the_loss_fell():
    for ended in (None, outcome()):
        finding = diagnose(seen(but(CLASSIFIER, "loss", swapped=True), outcome=ended)).findings[0]
        assert (finding.condition, finding.harm, finding.blames[0]) == ("loss_mismatch", True, "wiring")
        assert "use permute or transpose" in finding.summary


@pytest.mark.parametrize(("to", "there"), [(-0.2, True), (0.05, False), (-0.02, False)])
def test_a_loss_of_one_s_own_below_that_of_right_outputs_has_left_its_range(to, there):
    look = but(CLASSIFIER, "loss", name="Dice", takes="unknown", right_loss=0.0)
    losses = {"train_loss": lambda steps: np.where(steps < 20, 1.0, to)}
    record = changed(healthy_record(), losses, outcome=outcome(constant_loss=None))
    found = {each.condition: each for each in diagnose(seen(look, record=record)).findings}
    assert ("loss_mismatch" in found) is there
    if there:
        assert found["loss_mismatch"].blames[0] == "output_activation"
        assert "put a sigmoid before it" in found["loss_mismatch"].summary


def test_zeros_that_residuals_are_compared_with_are_no_classes():
    look = but(REGRESSION, "targets", form="multi_hot", distinct=1, low=0.0, high=0.0, whole=True, mean=0.0, std=0.0)
    assert "loss_mismatch" not in {each.condition for each in diagnose(seen(look)).findings}


OWN = but(CLASSIFIER, "loss", name="Own", takes="unknown")


@pytest.mark.parametrize(
    ("function", "form", "activation", "high", "blamed"),
    [
        ("kl_div", "probabilities", "softmax", 0.9, "loss"),
        ("ctc_loss", "numbers", None, 3.0, "loss"),
        ("nll_loss", "log_probabilities", "log_softmax", -0.1, None),
        ("kl_div", "numbers", None, 0.0, None),
        ("cross_entropy", "probabilities", "softmax", 0.9, "output_activation"),
        ("cross_entropy", "numbers", None, 5.0, None),
        ("binary_cross_entropy_with_logits", "unit_interval", "sigmoid", 0.9, "output_activation"),
        ("binary_cross_entropy", "unit_interval", "sigmoid", 0.9, None),
    ],
)
def test_losses_that_one_s_own_loss_calls_get_what_they_take(function, form, activation, high, blamed):
    call = InnerLoss(function=function, form=form, activation=activation, high=high)
    findings = diagnose(seen(but(OWN, "loss", inner=(call,)), outcome=outcome())).findings
    assert (findings[0].blames[0] if findings[0].condition == "loss_mismatch" else None) == blamed


@pytest.mark.parametrize(
    ("form", "entries", "there"),
    [
        ("unit_interval", 256, True),
        ("probabilities", 256, True),
        ("unit_interval", 255, False),
        ("numbers", 999, False),
    ],
)
def test_many_numbers_that_are_all_between_0_and_1_are_no_logits(form, entries, there):
    call = InnerLoss(function="binary_cross_entropy_with_logits", form=form, high=0.9, entries=entries)
    finding = diagnose(seen(but(OWN, "loss", inner=(call,)))).findings[0]
    assert (finding.condition == "loss_mismatch") is there
    if there:
        assert finding.blames == ("output_activation", "loss")
        assert "between 0 and 1 only" in finding.summary


def test_an_inner_loss_of_numbers_that_broadcasts_is_wired_wrongly():
    call = InnerLoss(function="mse_loss", form="numbers", high=0.9, broadcasts=True)
    for ended in (None, outcome()):  # the rest of the loss may fall
        finding = diagnose(seen(but(OWN, "loss", inner=(call,)), outcome=ended)).findings[0]
        assert (finding.condition, finding.harm, finding.blames[0]) == ("loss_mismatch", True, "wiring")
        assert "mse_loss compares every output with every target" in finding.summary


def test_an_inner_binary_cross_entropy_has_no_floor_for_targets_outside_0_to_1():
    call = InnerLoss(function="binary_cross_entropy", form="unit_interval", high=0.9, targets_outside_unit=0.5)
    finding = diagnose(seen(but(OWN, "loss", inner=(call,)), outcome=outcome())).findings[0]
    assert (finding.condition, finding.harm, finding.blames[0]) == ("loss_mismatch", True, "target_scaling")
    assert "50 % of them are not" in finding.summary


@pytest.mark.parametrize(
    ("fact", "said", "blamed"),
    [("opposed", "take 1 - it", "loss"), ("exceeded", "put a sigmoid before it", "output_activation")],
)
def test_a_loss_that_is_least_for_wrong_outputs_does_harm_however_low_it_falls(fact, said, blamed):
    finding = diagnose(seen(but(OWN, "loss", **{fact: True}), outcome=outcome())).findings[0]
    assert (finding.condition, finding.harm, finding.blames[0]) == ("loss_mismatch", True, blamed)
    assert said in finding.summary


def test_outputs_that_a_sigmoid_bounds_are_not_told_to_have_one():
    look = but(but(OWN, "loss", exceeded=True), "outputs", activation="sigmoid", form="unit_interval")
    assert "loss_mismatch" not in {each.condition for each in diagnose(seen(look)).findings}


@pytest.mark.parametrize(
    ("changes", "there"),
    [
        ({}, True),
        ({"spread_left": 0.3}, False),
        ({"spread_left": None}, False),
        ({"constant": 1.9}, False),
        ({"floor": None}, False),
        ({"residual": True}, False),
    ],
)
def test_outputs_that_became_one_under_a_loss_that_asks_for_no_more_are_named(changes, there):
    """1.8379 is the surprise of a normal distribution at its mean, in two dimensions: ln 2 pi."""
    look = but(OWN, "loss", **{"constant": 1.8379, "floor": 1.8379, "spread_left": 0.02, **changes})
    ended = outcome(initial_train_loss=3.0, final_train_loss=1.84, constant_loss=1.8379)
    finding = diagnose(seen(look, outcome=ended)).findings[0]
    assert (finding.condition == "loss_mismatch" and "what tells samples apart" in finding.summary) is there


@pytest.mark.parametrize("changes", [{"most_common": 0.25}, {"distinct": 20, "high": 19.0, "most_common": 0.07}])
def test_up_to_20_class_numbers_are_even_if_none_is_more_than_half_as_frequent_again(changes):
    """Of six classes the most common has at most 1.5 / 6 = 0.25 of the rows."""
    finding = judged(class_numbers(**changes), outcome(final_train_loss=2.3 * 0.055))
    assert finding.harm


@pytest.mark.parametrize(("loss", "off"), [(0.0, False), (0.25, False), (0.26, True)])
def test_class_numbers_are_off_beyond_three_tenths(loss, off):
    """A quarter of the variance is half of the deviation, here 0.6."""
    record = seen(class_numbers(std=0.6), outcome=outcome())
    found = replace(extract(record), relative_train_loss=loss)
    assert ("rounds to another class" in LossMismatch().judge(found, record, Thresholds()).summary) is off


@pytest.mark.parametrize(("count", "there"), [(32, True), (31, False)])
@pytest.mark.parametrize(("first", "last", "right"), [(-1.0, -40.0, None), (1.0, -40.0, 0.0)])
def test_what_a_loss_of_one_s_own_does_is_seen_from_32_losses_on(count, there, first, last, right):
    look = but(CLASSIFIER, "loss", name="Own", takes="unknown", right_loss=right)
    losses = Series(np.arange(count, dtype=np.int32), np.linspace(first, last, count, dtype=np.float32)[:, None])
    record = seen(look, outcome=outcome(constant_loss=None))
    record = replace(record, series={**record.series, "train_loss": losses})
    assert (LossMismatch().judge(extract(record), record, Thresholds()) is not None) is there


@pytest.mark.parametrize(("third", "there"), [(-0.9, True), (0.2, False)])
def test_a_loss_that_scatters_about_0_at_first_may_fall_without_end(third, there):
    """That of a policy gradient does: what was earned less a baseline, times a log-probability."""
    look = but(CLASSIFIER, "loss", name="Own", takes="unknown")
    losses = {"train_loss": lambda steps: np.where(steps == 2, third, -1.0 - steps)}
    record = changed(healthy_record(), losses, outcome=outcome(constant_loss=None))
    found = {each.condition for each in diagnose(seen(look, record=record)).findings}
    assert ("loss_mismatch" in found) is there


@pytest.mark.parametrize(
    ("endless", "levels", "there"),
    [
        (True, lambda steps: 5.0 - 40.0 * steps, True),
        (True, lambda steps: 5.0 - 15.0 * steps, False),
        (True, lambda steps: 5.0 - 9000.0 * (1.0 - np.exp(-steps / 20.0)), False),
        (False, lambda steps: 5.0 - 40.0 * steps, False),
    ],
)
def test_a_loss_that_a_growing_output_lowers_without_end_does_not_say_what_is_right(endless, levels, there):
    """From 5 to -12,000 and -4,500 in 300 steps, and to -9,000, where it comes to an end."""
    look = but(REGRESSION, "loss", name="Quantiles", takes="unknown", endless=endless)
    steps = {"train_loss": lambda taken: np.where(taken < 16, 5.0, levels(taken))}
    record = changed(healthy_record(), steps, outcome=outcome(constant_loss=None))
    found = {each.condition: each for each in diagnose(seen(look, record=record)).findings}
    assert ("loss_mismatch" in found) is there
    if there:
        assert (found["loss_mismatch"].harm, found["loss_mismatch"].blames[0]) == (True, "loss")
        assert "Quantiles falls without end" in found["loss_mismatch"].summary


@pytest.mark.parametrize(
    ("first", "last", "there"), [(20.0, -1.125, True), (20.0, -1.0, False), (0.0, -0.2, False), (0.125, -0.2, True)]
)
def test_it_left_its_range_if_it_began_above_right_outputs_and_fell_below_by_a_twentieth_of_that(first, last, there):
    look = but(CLASSIFIER, "loss", name="Dice", takes="unknown", right_loss=0.0)
    losses = {"train_loss": lambda steps: np.where(steps < 20, first, last)}
    record = changed(healthy_record(), losses, outcome=outcome(constant_loss=None))
    assert ("loss_mismatch" in {each.condition for each in diagnose(seen(look, record=record)).findings}) is there


def test_one_column_of_marks_has_a_single_label_in_each_row():
    targets = {"form": "multi_hot", "columns": 1, "mean": 0.3, "low": 0.0, "high": 1.0, "distinct": 2}
    assert judged(but(CLASSIFIER, "targets", **targets)) is None


@pytest.mark.parametrize(("largest", "there"), [(20.0, True), (19.0, False), (None, False)])
def test_targets_near_0_decide_in_a_loss_that_divides_by_them(largest, there):
    look = but(REGRESSION, "loss", name="Percent", takes="unknown", small_targets=largest)
    found = {each.condition: each for each in diagnose(seen(look)).findings}
    assert ("loss_mismatch" in found) is there
    if there:
        assert found["loss_mismatch"].blames[:2] == ("loss", "target_scaling")
        assert "Percent divides by its targets, and some are near 0" in found["loss_mismatch"].summary


@pytest.mark.parametrize(
    ("endless", "left", "final", "there"),
    [
        (True, 0.1, -4.0, True),
        (False, 0.1, -4.0, False),
        (False, 0.001, -4.0, True),
        (True, 0.11, -4.0, False),
        (True, 0.1, 0.1, False),
    ],
)
def test_outputs_that_became_one_under_a_loss_that_falls_without_end_point_to_a_wrong_sign(endless, left, final, there):
    look = but(REGRESSION, "loss", name="Flow", takes="unknown", endless=endless, spread_left=left)
    ended = outcome(constant_loss=None, initial_train_loss=4.0, final_train_loss=final)
    found = {each.condition: each for each in diagnose(seen(look, outcome=ended)).findings}
    assert ("loss_mismatch" in found) is there
    if there:
        assert (found["loss_mismatch"].harm, found["loss_mismatch"].blames) == (True, ("loss",))
        assert "wrong sign" in found["loss_mismatch"].summary


@pytest.mark.parametrize(
    ("look", "suggested"),
    [
        (but(CLASSIFIER, "outputs", activation="softmax", form="probabilities"), (PLAIN_OUTPUTS,)),
        (but(CLASSIFIER, "loss", name="NLLLoss", takes="log_probabilities"), (LOG_PROBABILITIES, USUAL_LOSS)),
        (but(CLASSIFIER, "loss", name="MSELoss", takes="numbers"), (USUAL_LOSS,)),
        (but(CLASSIFIER, "outputs", columns=1), ()),
        (but(CLASSIFIER, "loss", swapped=True), ()),
        (but(CLASSIFIER, "loss", maximized=True), ()),
        (but(REGRESSION, "loss", broadcasts=True), ()),
    ],
)
def test_only_what_the_sentence_says_is_suggested(look, suggested):
    finding = diagnose(seen(look)).findings[0]
    assert (finding.condition, finding.suggested_remedies) == ("loss_mismatch", suggested)


def test_a_class_that_the_loss_leaves_out_does_harm_though_the_loss_fell():
    first = diagnose(seen(but(CLASSIFIER, "loss", ignored=0.3), outcome=outcome())).findings[0]
    assert (first.condition, first.harm, first.blames[0]) == ("loss_mismatch", True, "loss")
    assert "leaves out a class that 30 % of the targets have" in first.summary


@pytest.mark.parametrize(("spread", "there"), [(0.09, False), (0.1, True)])
def test_a_loss_of_directions_alone_is_noted_where_sizes_differ_and_health_is_as_likely_as_not(spread, there):
    own = but(but(REGRESSION, "loss", name="Angle", takes="unknown", spread_of_sizes=spread), "outputs", columns=2)
    first, *others = diagnose(seen(own, record=healthy_record())).findings
    assert (first.condition, first.confidence == 0.5) == ("healthy", there)
    assert [(each.condition, each.harm) for each in others] == ([("loss_mismatch", False)] if there else [])


@pytest.mark.parametrize(("how", "said"), [("partner", "its own partner"), ("other", "should be unlike")])
@pytest.mark.parametrize("inner", [True, False])
def test_a_sample_that_is_compared_with_itself_does_harm_however_low_the_loss_falls(how, said, inner):
    call = InnerLoss(function="cross_entropy", form="numbers", high=5.0, self_compared=how)
    look = but(OWN, "loss", inner=(call,)) if inner else but(CLASSIFIER, "loss", self_compared=how)
    first = diagnose(seen(look, outcome=outcome())).findings[0]
    assert (first.condition, first.harm, first.blames) == ("loss_mismatch", True, ("loss", "labels", "data"))
    assert said in first.summary
