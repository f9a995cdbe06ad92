from gradclinic.diagnosis import diagnose

from ..records import changed, failed, healthy_record, outcome
from ..seen import CLASSIFIER, seen


def linear(ended):
    return seen(CLASSIFIER, record=changed(healthy_record(activation="identity", can_die=False), outcome=ended))


def test_layers_with_nothing_between_them_are_one_linear_layer():
    finding = diagnose(linear(failed())).findings[0]
    assert finding.condition == "missing_nonlinearity"
    assert len(finding.layers) == 10
    assert finding.blames[0] == "hidden_activation"


def test_a_linear_problem_that_was_learned_is_healthy():
    assert diagnose(linear(outcome())).primary == "healthy"


def test_an_activation_that_is_not_known_is_no_missing_one():
    unknown = changed(healthy_record(activation=None, can_die=False), outcome=failed())
    assert "missing_nonlinearity" not in {finding.condition for finding in diagnose(unknown).findings}
