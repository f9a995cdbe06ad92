from dataclasses import replace

import pytest

from gradclinic.experiments.losses.binary_cross_entropy import BinaryCrossEntropy
from gradclinic.experiments.losses.cross_entropy import CrossEntropy
from gradclinic.experiments.losses.huber import Huber
from gradclinic.experiments.losses.nll import NegativeLogLikelihood
from gradclinic.remedies.change_loss import ChangeLoss

from ..diagnosis.records import healthy_record
from ..diagnosis.seen import CLASSIFIER, but
from .experiments import READOUT, activation, applied, changes, layers, mlp, refusal

SQUARED = {"loss": {"kind": "mse"}}


def test_by_default_classes_get_cross_entropy_again():
    squared = mlp(experiment_changes=SQUARED)
    assert changes(ChangeLoss(), squared) == ["/loss"]
    assert applied(ChangeLoss(), squared).minimized == CrossEntropy()


def test_numbers_get_the_squared_error_again_or_any_loss_of_numbers():
    robust = mlp(experiment_changes={"data": {"kind": "teacher"}, "loss": {"kind": "l1"}})
    assert applied(ChangeLoss(), robust).minimized.kind == "mse"
    assert applied(ChangeLoss(loss=Huber()), robust).minimized == Huber()


def test_a_loss_that_does_not_fit_the_data_is_refused():
    numbers = mlp(experiment_changes={"data": {"kind": "teacher"}})
    assert "not a loss for a regression" in refusal(ChangeLoss(loss=CrossEntropy()), numbers)


@pytest.mark.parametrize(
    ("loss", "ending", "wanted"),
    [
        (None, "softmax", "cross_entropy expects logits"),
        (None, "relu", "cross_entropy expects logits"),
        (BinaryCrossEntropy(on="probabilities"), None, "expects numbers between 0 and 1, but gets plain numbers"),
        (BinaryCrossEntropy(on="probabilities"), "tanh", "between 0 and 1, but gets the outputs of tanh"),
        (NegativeLogLikelihood(), "softmax", "nll expects log-probabilities"),
    ],
)
def test_a_loss_that_does_not_fit_the_outputs_is_refused(loss, ending, wanted):
    squared = mlp(experiment_changes={**SQUARED, "output_activation": ending})
    assert wanted in refusal(ChangeLoss(loss=loss), squared)


def test_an_activation_at_the_end_of_the_list_counts_as_one_of_the_outputs():
    squared = layers(READOUT, activation("sigmoid"), **SQUARED)
    assert "cross_entropy expects logits" in refusal(ChangeLoss(), squared)
    assert applied(ChangeLoss(loss=BinaryCrossEntropy(on="probabilities")), squared).minimized.on == "probabilities"


def test_the_same_loss_is_refused_also_where_it_was_not_named():
    assert "already cross_entropy" in refusal(ChangeLoss(loss=CrossEntropy()), mlp())


@pytest.mark.parametrize(("name", "there"), [("CrossEntropyLoss", True), ("MSELoss", False)])
def test_a_recorded_training_on_classes_has_the_usual_loss_in_place_with_cross_entropy(name, there):
    record = replace(healthy_record(), preflight=but(CLASSIFIER, "loss", name=name))
    assert ChangeLoss().in_place(record) == there
    assert not ChangeLoss(loss=CrossEntropy()).in_place(record)
