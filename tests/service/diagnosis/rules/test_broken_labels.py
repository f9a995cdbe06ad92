from gradclinic.diagnosis import diagnose

from ..seen import CLASSIFIER, REGRESSION, but, seen


def test_a_single_class_is_nothing_to_learn_and_the_only_finding():
    found = diagnose(seen(but(CLASSIFIER, "targets", distinct=1, mean=0.0, most_common=1.0))).findings
    assert next(finding.condition for finding in found if finding.harm) == "broken_labels"
    assert "All 512 targets" in found[0].summary
    assert found[0].blames[0] == "labels"


def test_a_single_class_in_few_rows_may_be_chance():
    look = but(CLASSIFIER, "targets", distinct=1, rows=64)
    assert "broken_labels" not in {finding.condition for finding in diagnose(seen(look)).findings}


def test_labels_that_binary_cross_entropy_has_no_place_for_are_named():
    look = but(REGRESSION, "targets", distinct=3, outside_unit=0.31, low=0.0, high=2.0)
    finding = diagnose(seen(but(look, "loss", name="BCELoss", takes="probabilities"))).findings[0]
    assert finding.condition == "broken_labels"
    assert "31 % of the targets lie outside 0 to 1" in finding.summary


def test_targets_that_are_not_finite_are_counted():
    finding = diagnose(seen(but(REGRESSION, "targets", nonfinite_rows=128))).findings[0]
    assert finding.condition == "broken_labels"
    assert "25 % of the targets" in finding.summary


def test_sound_labels_are_none():
    for look in (CLASSIFIER, REGRESSION):
        assert "broken_labels" not in {finding.condition for finding in diagnose(seen(look)).findings}
