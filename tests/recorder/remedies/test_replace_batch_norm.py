import torch
from torch import nn

from gradclinic.remedies.replace_batch_norm import ReplaceBatchNorm

from .programs import applied, check, convolutional, loop, refusal


def test_each_batch_norm_becomes_a_norm_of_the_single_sample():
    found = check(ReplaceBatchNorm(), make=convolutional, shape=(2, 6, 6))
    images = torch.randn(4, 2, 6, 6)
    alone, together = found.model(images[:1]), found.model(images)[:1]
    assert torch.allclose(alone, together, atol=1e-5)
    assert check(ReplaceBatchNorm(norm="group_norm"), make=convolutional, shape=(2, 6, 6)).model[1].num_groups == 4


def test_one_group_of_units_is_a_layer_norm():
    def normed() -> nn.Module:
        return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))

    found = applied(ReplaceBatchNorm(), to=loop(normed)).model[1]
    given = torch.randn(5, 8)
    assert torch.allclose(found(given), nn.functional.layer_norm(given, (8,)), atol=1e-5)


def test_the_optimizer_still_trains_scale_and_shift():
    found = check(ReplaceBatchNorm(), make=convolutional, shape=(2, 6, 6))
    assert {id(each) for each in found.model.parameters()} == {id(each) for each in found.held()}


def test_groups_that_do_not_divide_the_channels_and_a_model_without_batch_norm_are_refused():
    images = loop(convolutional, 2, 6, 6)
    assert "do not divide the 4" in refusal(ReplaceBatchNorm(norm="group_norm", groups=3), to=images)
    assert refusal(ReplaceBatchNorm()) == "the model has no batch norm"
