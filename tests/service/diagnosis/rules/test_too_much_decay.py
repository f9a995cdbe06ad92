import numpy as np

from gradclinic.diagnosis import diagnose

from ..records import changed, failed, healthy_record
from ..seen import CLASSIFIER, but, seen

SHRINKING = changed(healthy_record(), {"weight_norm_l2": lambda steps: 6.0 * np.exp(-steps / 50)}, outcome=failed())


def test_weights_that_shrink_under_the_decay_are_named():
    finding = diagnose(seen(but(CLASSIFIER, "optimizer", weight_decay=1.0), record=SHRINKING)).findings[0]
    assert finding.condition == "too_much_decay"
    assert finding.blames == ("regularization",)
    assert "weight decay of 1" in finding.summary


def test_weights_that_keep_their_size_are_not_decayed_away():
    look = but(CLASSIFIER, "optimizer", weight_decay=0.01)
    assert "too_much_decay" not in {finding.condition for finding in diagnose(seen(look)).findings}


def test_weights_that_shrink_without_a_decay_have_another_cause():
    assert "too_much_decay" not in {each.condition for each in diagnose(seen(CLASSIFIER, record=SHRINKING)).findings}
