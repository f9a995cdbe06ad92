from dataclasses import replace

from gradclinic.diagnosis import diagnose
from gradclinic.measurements.preflight import Preflight

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


def test_a_network_without_activations_is_named_where_a_first_look_knows_that_it_is_linear():
    unknown = changed(healthy_record(activation=None, can_die=False), outcome=failed())
    known = replace(unknown, preflight=Preflight(linear=True))
    assert diagnose(known).primary == "missing_nonlinearity"
    assert diagnose(replace(known, preflight=Preflight(linear=False))).primary != "missing_nonlinearity"


def test_a_linear_network_that_diverges_has_diverged_first():
    found = diagnose(linear(outcome(nonfinite_step=150)))
    assert [finding.condition for finding in found.findings][:2] == ["divergence", "missing_nonlinearity"]


def test_a_linear_network_that_learned_a_part_may_need_more_steps_as_well():
    found = diagnose(linear(failed(final_train_loss=1.9)))
    assert found.primary != "missing_nonlinearity"
    assert [finding.harm for finding in found.findings if finding.condition == "missing_nonlinearity"] == [False]
