import torch

from gradclinic.remedies.lower_weight_decay import LowerWeightDecay

from .programs import check, refusal


def test_it_multiplies_the_weight_decay():
    def decayed(parameters):
        return torch.optim.AdamW(parameters, lr=0.1, weight_decay=0.5)

    found = check(LowerWeightDecay(factor=0.1), optimizer=decayed)
    assert found.optimizer.param_groups[0]["weight_decay"] == 0.05


def test_without_weight_decay_it_is_refused():
    assert refusal(LowerWeightDecay()) == "there is no weight decay"
