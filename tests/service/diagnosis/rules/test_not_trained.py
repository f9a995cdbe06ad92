from dataclasses import replace

import numpy as np
import pytest

from gradclinic.diagnosis import diagnose, extract
from gradclinic.diagnosis.rules.not_trained import NotTrained
from gradclinic.diagnosis.thresholds import Thresholds
from gradclinic.measurements.preflight import OrderFacts

from ..records import changed, failed, healthy_record, outcome, stuck
from ..seen import CLASSIFIER, but, seen


def test_gradients_that_are_not_cleared_hurt_whatever_the_loss_does():
    for ended in (None, outcome()):
        finding = diagnose(seen(but(CLASSIFIER, "wiring", uncleared=True), outcome=ended)).findings[0]
        assert finding.condition == "not_trained"
        assert "zero_grad()" in finding.summary
        assert finding.blames == ("wiring",)


def test_parameters_that_no_optimizer_holds_are_named_and_so_is_the_plain_list():
    look = but(CLASSIFIER, "wiring", untrained=("a", "b", "c"), untrained_fraction=0.92, unregistered=3)
    finding = diagnose(seen(look)).findings[0]
    assert finding.layers == ("a", "b", "c")
    assert "holds only 8.0 % of the parameters" in finding.summary
    assert "nn.ModuleList" in finding.summary


def test_a_part_that_is_left_as_it_was_on_purpose_does_no_harm_where_the_rest_learned():
    look = but(CLASSIFIER, "wiring", untrained=("trunk.weight",), untrained_fraction=0.9)
    assert diagnose(seen(look, outcome=outcome())).primary == "healthy"


def test_training_in_evaluation_mode_is_named():
    finding = diagnose(seen(but(CLASSIFIER, "wiring", evaluating=("1", "4")))).findings[0]
    assert "model.train()" in finding.summary


def test_a_loss_that_is_cut_off_from_all_parameters_hurts_whatever_it_is_compared_with():
    look = but(CLASSIFIER, "wiring", without_gradient=("a", "b"), unreached=True)
    for ended in (None, outcome(), outcome(constant_loss=None)):
        finding = diagnose(seen(look, outcome=ended)).findings[0]
        assert (finding.condition, finding.harm) == ("not_trained", True)
        assert "torch.tensor()" in finding.summary


def test_sound_wiring_is_none():
    assert "not_trained" not in {finding.condition for finding in diagnose(seen(CLASSIFIER)).findings}


@pytest.mark.parametrize(("fraction", "harm"), [(0.999, False), (1.0, True)])
def test_a_model_of_which_nothing_is_trained_hurts_whatever_the_loss_says(fraction, harm):
    look = but(CLASSIFIER, "wiring", untrained=("a",), untrained_fraction=fraction)
    found = {each.condition: each for each in diagnose(seen(look, outcome=outcome())).findings}
    assert found["not_trained"].harm is harm
    assert "ModuleList" not in found["not_trained"].summary


def test_evaluation_mode_hurts_only_where_the_training_failed():
    look = but(CLASSIFIER, "wiring", evaluating=("1",))
    for ended, harm in ((None, True), (outcome(), False)):
        found = {each.condition: each for each in diagnose(seen(look, outcome=ended)).findings}
        assert found["not_trained"].harm is harm


def test_what_was_not_looked_at_is_not_known():
    found = diagnose(seen(CLASSIFIER.model_copy(update={"wiring": None}))).findings
    assert "not_trained" not in {each.condition for each in found}


def test_parameters_of_the_optimizer_that_no_gradient_reaches_are_named_where_nothing_was_learned():
    look = but(CLASSIFIER, "wiring", without_gradient=("words.weight", "hidden.weight"))
    finding = diagnose(seen(look)).findings[0]
    assert (finding.condition, finding.harm, finding.blames) == ("not_trained", True, ("wiring",))
    assert "No gradient reaches words.weight and hidden.weight" in finding.summary
    learned = diagnose(seen(look, outcome=outcome()))
    assert learned.primary == "healthy"


def test_a_part_that_the_loss_does_not_use_is_no_more_than_a_possibility():
    names = ("pooler.weight", "pooler.bias")
    findings = diagnose(seen(but(CLASSIFIER, "wiring", without_gradient=names, aside=names))).findings
    assert findings[0].condition != "not_trained"
    assert [each.confidence for each in findings if each.condition == "not_trained"] == [0.5]
    some = diagnose(seen(but(CLASSIFIER, "wiring", without_gradient=names, aside=names[:1]))).findings
    assert some[0].condition == "not_trained"


def test_an_optimizer_that_holds_nothing_is_said_to_hold_none():
    look = but(CLASSIFIER, "wiring", untrained=("a",), untrained_fraction=1.0)
    assert "holds none of the parameters" in diagnose(seen(look)).findings[0].summary


@pytest.mark.parametrize(("loss", "harm"), [(0.3, True), (0.1, False)])
def test_layers_that_run_under_no_grad_do_harm_unless_the_rest_learned_well(loss, harm):
    look = but(CLASSIFIER, "wiring", without_gradient=("encoder.weight",), cut_off=("encoder.weight",))
    ended = outcome(final_train_loss=2.3 * loss)
    found = {each.condition: each for each in diagnose(seen(look, outcome=ended)).findings}
    assert found["not_trained"].harm is harm
    assert found["not_trained"].layers == ("encoder.weight",)
    assert "encoder.weight run under no_grad()" in found["not_trained"].summary


def test_weights_into_which_zeros_come_are_named_as_what_was_not_filled():
    finding = diagnose(seen(but(CLASSIFIER, "wiring", unmoved=("cell.weight_ih_l0",)))).findings[0]
    assert (finding.condition, finding.blames) == ("not_trained", ("wiring", "data", "initialization"))
    assert finding.layers == ("cell.weight_ih_l0",)
    assert "so zeros come in there" in finding.summary


@pytest.mark.parametrize("other", [{"alike": True}, {"zero_gradient": True}, {"unmoved": ()}])
def test_gradients_that_are_zero_for_another_reason_are_not_missing_inputs(other):
    look = but(CLASSIFIER, "wiring", **({"unmoved": ("first.weight",)} | other))
    assert "so zeros come in there" not in diagnose(seen(look)).findings[0].summary


def test_dead_units_make_gradients_zero_themselves():
    look = but(CLASSIFIER, "wiring", unmoved=("first.weight",))
    record = changed(healthy_record(), {"dead_fraction": 1.0}, outcome=failed())
    assert diagnose(seen(look, record=record)).primary != "not_trained"


def test_frozen_weights_of_one_value_were_never_loaded_unless_the_network_learned_well():
    look = but(CLASSIFIER, "wiring", frozen_alike=("words.weight",))
    finding = diagnose(seen(look)).findings[0]
    assert (finding.condition, finding.blames, finding.layers) == (
        "not_trained",
        ("initialization", "wiring"),
        ("words.weight",),
    )
    assert "words.weight is frozen, and all entries are equal" in finding.summary
    assert diagnose(seen(look, outcome=outcome())).primary == "healthy"


def judged(look, **features):
    record = seen(look)
    return NotTrained().judge(replace(extract(record), **features), record, Thresholds())


@pytest.mark.parametrize("statistic", ["dead_start", "saturated_start"])
@pytest.mark.parametrize(("fraction", "there"), [(0.9, False), (0.89, True)])
def test_a_layer_of_which_nine_tenths_are_blocked_makes_gradients_zero(statistic, fraction, there):
    look = but(CLASSIFIER, "wiring", unmoved=("first.weight",))
    assert (judged(look, **{statistic: np.array([np.nan, 0.0, fraction])}) is not None) is there


@pytest.mark.parametrize(("loss", "harm"), [(0.2, False), (0.21, True)])
def test_a_network_that_left_a_fifth_of_the_loss_learned_well(loss, harm):
    look = but(CLASSIFIER, "wiring", without_gradient=("encoder.weight",), cut_off=("encoder.weight",))
    assert judged(look, relative_train_loss=loss).harm is harm


def test_of_frozen_positions_of_zeros_it_is_said_that_there_are_none():
    look = but(CLASSIFIER, "wiring", frozen_alike=("positions.weight",))
    blind = look.model_copy(update={"order": OrderFacts(steps=9, blind=True, sees_later=None, predicts_next=False)})
    assert diagnose(seen(blind)).primary == "missing_positions"


def test_a_last_layer_that_is_frozen_as_all_are_is_named_and_a_frozen_body_or_a_head_below_adapters_is_not():
    record = stuck()
    *body, last = record.weights
    frozen = replace(record, weights=tuple(replace(each, trainable=False) for each in record.weights))
    finding = diagnose(seen(CLASSIFIER, record=frozen)).findings[0]
    assert (finding.condition, finding.blames[0], finding.layers) == ("not_trained", "wiring", (last.name,))
    adapted = replace(record, weights=(*body, replace(last, trainable=False)))
    assert diagnose(seen(CLASSIFIER, record=adapted)).findings[0].condition != "not_trained"
    trained = changed(record, {"weight_norm_l2": 7.0})
    only_last = replace(trained, weights=(*(replace(each, trainable=False) for each in body), last))
    assert diagnose(seen(CLASSIFIER, record=only_last)).findings[0].condition != "not_trained"


def test_zero_gradients_under_huge_inputs_are_theirs():
    unmoved = but(CLASSIFIER, "wiring", unmoved=("lstm.weight_ih_l0",))
    assert diagnose(seen(unmoved)).findings[0].condition == "not_trained"
    assert diagnose(seen(but(unmoved, "inputs", rms=24834.0))).findings[0].condition == "unscaled_inputs"


def frozen(rms, ended):
    """The healthy record, whose first two layers are frozen, with weights of a root mean square times sqrt(inputs)."""
    record = healthy_record()
    weights = [replace(each, shape=(64, 32), trainable=place >= 2) for place, each in enumerate(record.weights)]
    return changed(replace(record, weights=tuple(weights)), {"weight_norm_l2": rms * 64**0.5}, outcome=ended)


@pytest.mark.parametrize(
    ("rms", "named"),
    [
        (1 / 3**0.5, True),  # as PyTorch draws it
        (2**0.5, True),  # He
        ((2 * 32 / 96) ** 0.5, True),  # Glorot
        (0.7, False),
        (1.1, False),
    ],
)
def test_layers_that_were_frozen_as_they_were_drawn_want_to_be_loaded_or_trained(rms, named):
    record = seen(CLASSIFIER, record=frozen(rms, failed()))
    finding = NotTrained().judge(extract(record), record, Thresholds())
    assert (finding is not None) is named
    if finding is not None:
        assert finding.layers == tuple(each.name for each in record.weights[:2])
        assert (finding.harm, finding.blames) == (True, ("wiring", "initialization"))
        assert "are frozen, and have the size of weights that were just drawn" in finding.summary
    learned = seen(CLASSIFIER, record=frozen(rms, outcome()))
    assert NotTrained().judge(extract(learned), learned, Thresholds()) is None, "features at random may be enough"
