from dataclasses import replace

import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.diagnosis.features import extract
from gradclinic.diagnosis.rules.missing_nonlinearity import MissingNonlinearity
from gradclinic.diagnosis.thresholds import Thresholds
from gradclinic.measurements.preflight import FitFacts, Preflight
from gradclinic.measurements.record import WeightInfo
from gradclinic.remedies.network import Network

from ..records import changed, failed, healthy_record, outcome
from ..seen import CLASSIFIER, REGRESSION, seen


def linear(ended):
    return seen(CLASSIFIER, record=changed(healthy_record(activation="identity", can_die=False), outcome=ended))


def test_layers_with_nothing_between_them_are_one_linear_layer():
    finding = diagnose(linear(failed())).findings[0]
    assert finding.condition == "missing_nonlinearity"
    assert len(finding.layers) == 10
    assert finding.blames[0] == "hidden_activation"


def test_a_network_without_hidden_layers_lacks_them_first():
    alone = replace(linear(failed()), sites=(), weights=(WeightInfo("0", (1, 2), readout=True),), series={})
    alone = replace(alone, preflight=CLASSIFIER.model_copy(update={"linear": True}))
    finding = MissingNonlinearity().judge(extract(alone), alone, Thresholds())
    assert finding.blames == ("architecture", "hidden_activation")
    assert finding.summary.startswith("The network is one linear layer: add hidden layers")
    assert MissingNonlinearity().remedies(finding, Network.recorded(alone)) == ()
    unknown = replace(alone, weights=())
    assert MissingNonlinearity().judge(extract(unknown), unknown, Thresholds()) is None
    bent = replace(alone, preflight=CLASSIFIER.model_copy(update={"linear": False}))
    assert MissingNonlinearity().judge(extract(bent), bent, Thresholds()) is None


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


@pytest.mark.parametrize(("loss", "harm"), [(0.95, False), (0.96, True)])
def test_only_where_nothing_was_learned_does_it_hurt(loss, harm):
    found = {each.condition: each for each in diagnose(linear(failed(final_train_loss=2.3 * loss))).findings}
    assert found["missing_nonlinearity"].harm is harm


def test_one_layer_with_an_activation_or_of_another_kind_bends_the_network():
    record = linear(failed())
    for other in ({"activation": "relu"}, {"kind": "state"}):
        bent = replace(record, sites=(replace(record.sites[0], **other), *record.sites[1:]))
        assert "missing_nonlinearity" not in {each.condition for each in diagnose(bent).findings}
    states = replace(record, sites=tuple(replace(site, kind="state") for site in record.sites))
    assert "missing_nonlinearity" not in {each.condition for each in diagnose(states).findings}


def test_a_network_into_which_nobody_looked_is_not_known_to_be_linear():
    found = diagnose(replace(linear(failed()), preflight=None)).findings
    assert "missing_nonlinearity" not in {each.condition for each in found}


def test_a_linear_network_that_learned_a_part_and_goes_no_further_wants_hidden_layers_first():
    record = linear(failed(final_train_loss=0.7 * 2.3))
    record = changed(record, {"probe_loss": 0.7 * 2.3, "train_loss": 0.7 * 2.3, "update_to_weight_ratio": 0.01})
    for known, blamed in ((True, "hidden_activation"), (False, "data"), (None, "data")):
        look = CLASSIFIER.model_copy(update={"linear": known})
        finding = diagnose(replace(record, preflight=look)).findings[0]
        assert (finding.condition, *finding.blames[:2]) == ("slow_convergence", "architecture", blamed)
        assert ("a linear function of its inputs" in finding.summary) is (known is True)


CURVED = FitFacts(samples=256, line_left=0.4, curve_left=0.1, error=0.05)


def of_numbers(fit, ended, **changes):
    look = REGRESSION.model_copy(update={"linear": True, "fit": fit, **changes})
    return seen(look, record=changed(healthy_record(activation="identity", can_die=False), outcome=ended))


def test_a_linear_network_on_curved_data_is_named_though_it_learned_what_a_line_can():
    first = diagnose(of_numbers(CURVED, outcome(final_train_loss=0.92))).findings[0]
    assert (first.condition, first.harm, first.blames[0]) == ("missing_nonlinearity", True, "hidden_activation")
    assert "a linear function leaves 40 %, a smooth curve 10 %; the training loss ended at 40 %" in first.summary


@pytest.mark.parametrize(
    ("fit", "left"),
    [
        (None, 0.92),
        (CURVED.model_copy(update={"line_left": 0.19}), 0.92),  # hardly curved
        (CURVED.model_copy(update={"error": 0.08}), 0.92),  # not surely
        (CURVED, 0.2 * 2.3),  # learned well
    ],
)
def test_it_is_healthy_where_the_data_are_not_surely_curved_or_it_learned_well(fit, left):
    assert diagnose(of_numbers(fit, outcome(final_train_loss=left))).primary == "healthy"


def test_one_linear_layer_may_be_meant_and_is_noted():
    ended = outcome(final_train_loss=0.92)
    alone = replace(of_numbers(CURVED, ended), sites=(), weights=(WeightInfo("0", (1, 2), readout=True),), series={})
    finding = MissingNonlinearity().judge(extract(alone), alone, Thresholds())
    assert not finding.harm
    failing = replace(alone, outcome=failed(final_train_loss=1.9))
    assert MissingNonlinearity().judge(extract(failing), failing, Thresholds()).harm
