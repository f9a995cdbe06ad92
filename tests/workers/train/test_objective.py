import pytest
import torch
from torch.nn import functional

from gradclinic.experiments.experiment import Experiment
from gradclinic.experiments.losses import LOSSES
from gradclinic.experiments.lowering import lower
from gradclinic.experiments.output_activations import OUTPUT_ACTIVATIONS
from gradclinic_workers.train.build import build
from gradclinic_workers.train.fit import train
from gradclinic_workers.train.objective import Objective

from .. import specs


def objective(**changes: object) -> Objective:
    experiment = Experiment.model_validate(specs.mlp(steps=2).to_json() | changes)
    return Objective(build(lower(experiment).nodes), experiment, torch.device("cpu"))


def test_the_usual_losses_are_cross_entropy_for_classes_and_the_squared_error_for_numbers():
    classes, numbers = objective(data={"kind": "digits"}), objective(data={"kind": "teacher"})
    outputs = classes.outputs(classes.inputs)
    assert torch.equal(classes.loss(outputs, classes.targets), functional.cross_entropy(outputs, classes.targets))
    outputs = numbers.outputs(numbers.inputs)
    assert torch.equal(numbers.loss(outputs, numbers.targets), functional.mse_loss(outputs, numbers.targets))


def test_the_output_activation_follows_the_last_layer():
    plain = objective()
    torch.manual_seed(0)
    ended = objective(output_activation="softmax")
    ended._modules.load_state_dict(plain._modules.state_dict())
    expected = plain.outputs(plain.inputs).softmax(dim=1)
    torch.testing.assert_close(ended.outputs(ended.inputs), expected)


def test_the_accuracy_of_one_hot_targets_is_that_of_the_classes():
    found = objective(loss={"kind": "mse"})
    loss, accuracy = found.validation()
    classes = objective()
    assert found.targets.shape == (*classes.targets.shape, found.targets.shape[1])
    classes._modules.load_state_dict(found._modules.state_dict())
    assert accuracy == classes.validation()[1]
    assert loss != classes.validation()[0]


@pytest.mark.parametrize("kind", LOSSES)
def test_every_loss_trains_to_finite_numbers_or_says_where_not(kind):
    data = {"kind": "digits" if "classification" in LOSSES[kind].tasks else "teacher"}
    ended = train(Experiment.model_validate(specs.mlp(steps=5).to_json() | {"loss": {"kind": kind}, "data": data}))
    assert ended.outcome.steps_done == 5
    assert ended.outcome.constant_loss > 0


@pytest.mark.parametrize("name", OUTPUT_ACTIVATIONS)
def test_every_output_activation_ends_a_network(name):
    found = objective(output_activation=name)
    low, high = OUTPUT_ACTIVATIONS[name].range
    outputs = found.outputs(found.inputs)
    assert low - 1e-6 <= float(outputs.detach().min()) <= float(outputs.detach().max()) <= high + 1e-6


@pytest.mark.parametrize("changes", [{"loss": {"kind": "cross_entropy"}}, {"loss": None, "output_activation": None}])
def test_what_is_usual_may_be_said_and_changes_no_number(changes):
    said = Experiment.model_validate(specs.mlp(steps=5).to_json() | changes)
    assert train(said).outcome.final_train_loss == train(specs.mlp(steps=5)).outcome.final_train_loss
