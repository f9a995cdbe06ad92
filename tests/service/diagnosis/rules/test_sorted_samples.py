from gradclinic.diagnosis import diagnose

from ..records import outcome
from ..seen import CLASSIFIER, but, seen


def test_sorted_samples_do_harm_also_where_the_loss_fell():
    for ended in (None, outcome()):
        finding = diagnose(seen(but(CLASSIFIER, "targets", in_order=True), outcome=ended)).findings[0]
        assert (finding.condition, finding.harm, finding.blames[0]) == ("sorted_samples", True, "data")
        assert "shuffle=True" in finding.summary


def test_one_class_in_the_first_batches_of_sorted_samples_is_no_lost_label():
    look = but(CLASSIFIER, "targets", in_order=True, distinct=1)
    assert "broken_labels" not in {each.condition for each in diagnose(seen(look)).findings}


def test_shuffled_samples_are_none():
    assert "sorted_samples" not in {each.condition for each in diagnose(seen(CLASSIFIER)).findings}
