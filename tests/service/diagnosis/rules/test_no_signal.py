from dataclasses import replace

from gradclinic.diagnosis import diagnose

from ..records import changed, failed, healthy_record, with_levels
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


def test_with_a_scaler_or_in_float32_the_precision_is_not_to_blame():
    look = but(CLASSIFIER, "wiring", zero_gradient=True)
    others = (look, but(look, "precision", lowest="float16", scaled=True), look.model_copy(update={"precision": None}))
    for other in others:
        found = {each.condition: each for each in diagnose(seen(other)).findings}
        assert found["no_signal"].blames[0] == "output_activation"
        assert found["no_signal"].layers == ()


def test_what_was_not_looked_at_is_not_known():
    assert "no_signal" not in {
        each.condition for each in diagnose(seen(CLASSIFIER.model_copy(update={"wiring": None}))).findings
    }


def test_where_the_weights_enlarge_the_signal_the_initialization_is_to_blame():
    """Inputs of size 1 and a layer of size 40 before the first step."""
    look = but(CLASSIFIER, "wiring", zero_gradient=True)
    for level, blamed in ((40.0, "initialization"), (20.0, "output_activation")):
        record = with_levels(changed(healthy_record(), outcome=failed()), level)
        finding = diagnose(seen(look, record=record)).findings[0]
        assert (finding.condition, finding.blames[0]) == ("no_signal", blamed)


def test_where_a_layer_starts_with_weights_of_zero_the_initialization_is_to_blame():
    look = but(CLASSIFIER, "wiring", zero_gradient=True)
    for last, blamed in ((0.0, "initialization"), (1.0, "output_activation")):
        record = changed(healthy_record(), {"weight_norm_l2": 3.0}, outcome=failed())
        sizes = record.series["weight_norm_l2"]
        first = sizes.values.copy()
        first[0, -1] = last
        record = replace(record, series={**record.series, "weight_norm_l2": replace(sizes, values=first)})
        finding = diagnose(seen(look, record=record)).findings[0]
        assert (finding.condition, finding.blames[0]) == ("no_signal", blamed)
