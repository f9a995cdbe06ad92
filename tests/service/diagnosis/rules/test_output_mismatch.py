import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.diagnosis.features import extract
from gradclinic.diagnosis.rules.output_mismatch import OutputMismatch
from gradclinic.diagnosis.thresholds import Thresholds
from gradclinic.remedies.against import SIGMOIDS

from ..records import changed, healthy_record, outcome
from ..seen import CLASSIFIER, REGRESSION, but, seen


def test_a_softmax_over_one_unit_is_constant_and_a_sigmoid_is_named_instead():
    one = but(REGRESSION, "outputs", activation="softmax", form="probabilities", low=1.0, high=1.0)
    finding = diagnose(seen(one)).findings[0]
    assert finding.condition == "output_mismatch"
    assert finding.harm
    assert "use a sigmoid" in finding.summary
    assert finding.blames[0] == "output_activation"
    assert finding.suggested_remedies == (SIGMOIDS,)


def test_a_softmax_of_one_unit_over_the_batch_is_not_constant():
    over_batch = but(REGRESSION, "outputs", activation="softmax", form="unit_interval", low=0.01, high=0.2)
    found = diagnose(seen(over_batch)).findings
    assert not any("over one unit" in each.summary for each in found)


def test_a_softmax_for_independent_labels_is_named_with_what_the_targets_sum_to():
    look = but(CLASSIFIER, "outputs", activation="softmax", form="probabilities")
    look = but(look, "targets", form="multi_hot", columns=10, mean=0.5, outside_unit=0.0)
    finding = diagnose(seen(but(look, "loss", name="BCELoss", takes="probabilities"))).findings[0]
    assert finding.condition == "output_mismatch"
    assert "sum to 5 on average" in finding.summary
    assert finding.suggested_remedies == (SIGMOIDS,)


def test_targets_beyond_the_range_of_the_last_activation_are_told_with_their_fraction():
    look = but(REGRESSION, "outputs", activation="sigmoid", unreachable=0.99, unreachable_error=5.0)
    finding = diagnose(seen(look)).findings[0]
    assert finding.condition == "output_mismatch"
    assert {each.name: each.value for each in finding.evidence}["unreachable_targets"] == 0.99
    assert "target_scaling" in finding.blames


def test_it_hurts_also_where_the_reachable_half_was_learned():
    look = but(REGRESSION, "outputs", activation="relu", unreachable=0.5, unreachable_error=0.5)
    assert diagnose(seen(look, outcome=outcome(final_train_loss=1.1))).primary == "output_mismatch"


def test_a_few_targets_just_out_of_reach_are_no_fault():
    look = but(REGRESSION, "outputs", activation="sigmoid", unreachable=0.04, unreachable_error=0.001)
    assert "output_mismatch" not in {finding.condition for finding in diagnose(seen(look)).findings}


def test_sound_outputs_are_none():
    for look in (CLASSIFIER, REGRESSION):
        assert "output_mismatch" not in {finding.condition for finding in diagnose(seen(look)).findings}


def judged(look, **ended):
    record = seen(look, outcome=outcome(**ended) if ended else None)
    return OutputMismatch().judge(extract(record), record, Thresholds())


@pytest.mark.parametrize(("unreachable", "there"), [(0.05, True), (0.049, False)])
def test_from_a_twentieth_of_the_targets_on_the_activation_is_wrong(unreachable, there):
    look = but(REGRESSION, "outputs", activation="tanh", unreachable=unreachable)
    finding = judged(look)
    assert (finding is not None) is there
    if there:
        assert "The tanh at the output stays between -1 and 1, where 5.0 % of the targets do not" in finding.summary
    assert judged(but(look, "targets", form="indices")) is None


@pytest.mark.parametrize(("lost", "harm"), [(0.1, True), (0.09, False)])
def test_a_tenth_of_the_variance_out_of_reach_hurts_a_network_that_learned_the_rest(lost, harm):
    look = but(REGRESSION, "outputs", activation="relu", unreachable=0.5, unreachable_error=lost)
    assert judged(look, final_train_loss=0.2).harm is harm


@pytest.mark.parametrize(
    ("outputs", "targets", "there"),
    [
        ({}, {}, True),
        ({"columns": 4}, {}, False),
        ({"columns": 1}, {"columns": 1}, False),
        ({"form": "numbers"}, {}, False),
        ({}, {"form": "one_hot"}, False),
    ],
)
def test_a_softmax_is_wrong_for_as_many_independent_labels_as_outputs(outputs, targets, there):
    look = but(CLASSIFIER, "outputs", **{"activation": "log_softmax", "form": "probabilities", **outputs})
    look = but(look, "targets", **{"form": "multi_hot", "columns": 10, "mean": 0.2, **targets})
    finding = judged(look)
    assert (finding is not None) is there
    if there:
        assert finding.evidence[0].value == pytest.approx(2.0)


def test_a_softmax_over_several_units_is_no_fault_and_nothing_is_without_outputs_or_targets():
    softmax = but(CLASSIFIER, "outputs", activation="softmax", form="probabilities")
    assert judged(softmax) is None
    one = but(softmax, "outputs", columns=1, low=1.0, high=1.0)
    assert judged(one) is not None
    assert judged(but(one, "outputs", activation="sigmoid")) is None
    for part in ("outputs", "targets"):
        assert judged(one.model_copy(update={part: None})) is None


@pytest.mark.parametrize(
    ("bounded", "free", "there"),
    [(2.0, 0.2, True), (2.0, 0.0, True), (1.9, 0.1, False), (2.0, 0.21, False), (2.0, -1.0, False)],
)
def test_an_own_loss_that_came_down_to_what_a_bounded_output_allows_is_kept_up_by_it(bounded, free, there):
    """It ends at 3, one and a half times 2, and more of 1.9; where any outputs reach little less, they are no cure."""
    look = but(REGRESSION, "outputs", activation="sigmoid")
    look = but(look, "loss", name="Margin", takes="unknown", bounded_floor=bounded, free_floor=free)
    record = changed(healthy_record(), {"train_loss": 3.0}, outcome=outcome(constant_loss=None))
    found = {each.condition: each for each in diagnose(seen(look, record=record)).findings}
    assert ("output_mismatch" in found) is there
    if there:
        assert found["output_mismatch"].harm
        assert "drop the sigmoid" in found["output_mismatch"].summary


def test_outputs_that_a_relu_keeps_at_0_for_every_sample_do_harm_although_the_others_learn():
    look = but(CLASSIFIER, "outputs", activation="relu", form="nonnegative", dead=2)
    finding = diagnose(seen(look, outcome=outcome())).findings[0]
    assert (finding.condition, finding.harm, finding.blames[0]) == ("output_mismatch", True, "output_activation")
    assert "The relu at the output keeps 2 of 10 outputs at 0 for every sample" in finding.summary
    one = but(REGRESSION, "outputs", activation="relu", form="nonnegative", dead=1)
    assert "keeps the output at 0 for every sample" in diagnose(seen(one)).findings[0].summary


@pytest.mark.parametrize(("takes", "there"), [("numbers", True), ("probabilities", True), ("log_probabilities", False)])
def test_outputs_that_are_no_values_of_the_targets_need_not_reach_them(takes, there):
    """The logarithm of a probability is never what the probability is."""
    look = but(REGRESSION, "outputs", activation="log_softmax", unreachable=1.0, unreachable_error=9.0)
    assert (judged(but(look, "loss", takes=takes)) is not None) is there
