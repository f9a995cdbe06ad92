from gradclinic.diagnosis import diagnose

from ..records import outcome
from ..seen import CLASSIFIER, REGRESSION, but, seen


def test_a_softmax_over_one_unit_is_constant_and_a_sigmoid_is_named_instead():
    finding = diagnose(seen(but(REGRESSION, "outputs", activation="softmax", form="probabilities"))).findings[0]
    assert finding.condition == "output_mismatch"
    assert finding.harm
    assert "use a sigmoid" in finding.summary
    assert finding.blames[0] == "output_activation"


def test_a_softmax_for_independent_labels_is_named_with_what_the_targets_sum_to():
    look = but(CLASSIFIER, "outputs", activation="softmax", form="probabilities")
    look = but(look, "targets", form="multi_hot", columns=10, mean=0.5, outside_unit=0.0)
    finding = diagnose(seen(but(look, "loss", name="BCELoss", takes="probabilities"))).findings[0]
    assert finding.condition == "output_mismatch"
    assert "sum to 5 on average" in finding.summary


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
