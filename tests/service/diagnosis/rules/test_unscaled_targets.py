from gradclinic.diagnosis import diagnose

from ..seen import CLASSIFIER, REGRESSION, but, seen


def test_large_targets_are_named_with_how_many_steps_it_takes_to_get_there():
    finding = diagnose(seen(but(REGRESSION, "targets", mean=1e6, std=6e4))).findings[0]
    assert finding.condition == "unscaled_targets"
    assert "about 1,000,000,000 of them" in finding.summary
    assert finding.blames[0] == "target_scaling"


def test_tiny_targets_are_named():
    assert diagnose(seen(but(REGRESSION, "targets", mean=1e-4, std=1e-4))).primary == "unscaled_targets"


def test_class_numbers_and_standard_targets_are_no_fault():
    for look in (CLASSIFIER, REGRESSION):
        assert "unscaled_targets" not in {finding.condition for finding in diagnose(seen(look)).findings}
