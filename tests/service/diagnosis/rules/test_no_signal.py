from gradclinic.diagnosis import diagnose

from ..seen import CLASSIFIER, but, seen


def test_a_gradient_of_exactly_zero_is_named_with_the_weight_where_it_stops():
    finding = diagnose(seen(but(CLASSIFIER, "wiring", zero_gradient=True, stops_at="4.weight"))).findings[0]
    assert finding.condition == "no_signal"
    assert finding.layers == ("4.weight",)
    assert finding.harm


def test_in_float16_without_a_scaler_the_precision_is_to_blame():
    look = but(CLASSIFIER, "wiring", zero_gradient=True)
    findings = diagnose(seen(but(look, "precision", lowest="float16"))).findings
    assert next(each for each in findings if each.condition == "no_signal").blames == ("precision",)


def test_a_signal_is_none():
    assert "no_signal" not in {finding.condition for finding in diagnose(seen(CLASSIFIER)).findings}
