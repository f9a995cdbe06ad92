import pytest
import torch

from gradclinic.experiments.optimizers.adagrad import Adagrad
from gradclinic.experiments.optimizers.adam import Adam
from gradclinic.experiments.optimizers.adamw import AdamW
from gradclinic.experiments.optimizers.rmsprop import RMSprop
from gradclinic.experiments.optimizers.sgd import SGD
from gradclinic.remedies.change_optimizer import ChangeOptimizer
from gradclinic.remedies.lower_learning_rate import LowerLearningRate

from .programs import check, loop, mlp, refusal

OTHERS = [
    Adam(learning_rate=0.01), AdamW(learning_rate=0.01), RMSprop(learning_rate=0.01), Adagrad(learning_rate=0.01),
    SGD(learning_rate=0.02, momentum=0.9, nesterov=True),
]  # fmt: skip


@pytest.mark.parametrize("optimizer", OTHERS, ids=lambda each: each.kind)
def test_another_optimizer_takes_the_steps(optimizer):
    check(ChangeOptimizer(optimizer=optimizer))


def test_later_remedies_change_the_new_one():
    found = check(ChangeOptimizer(optimizer=Adam(learning_rate=0.01)), LowerLearningRate(factor=0.5))
    assert found.optimizer.param_groups[0]["lr"] == 0.005


def test_each_group_keeps_its_weight_decay_unless_one_is_named():
    def decayed(parameters):
        layers = list(parameters)
        return torch.optim.SGD([{"params": layers[:2], "weight_decay": 0.1}, {"params": layers[2:]}], lr=0.1)

    def decays(**options):
        found = check(ChangeOptimizer(optimizer=Adam(learning_rate=0.01), **options), optimizer=decayed)
        return [group["weight_decay"] for group in found.optimizer.param_groups]

    assert decays() == [0.1, 0.0]
    assert decays(weight_decay=0.3) == [0.3, 0.3]


def test_frozen_parameters_stay_out_of_it():
    found = loop(optimizer=lambda parameters: torch.optim.SGD(list(mlp().parameters())[2:], lr=0.1))
    assert len(found.held()) == 4


def test_the_same_optimizer_is_refused():
    assert "is sgd with these fields already" in refusal(ChangeOptimizer(optimizer=SGD(learning_rate=0.1)))
