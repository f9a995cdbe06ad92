import torch

from gradclinic.remedies.set_learning_rate import SetLearningRate

from .programs import applied, check, loop, mlp, refusal


def test_it_sets_the_rate_or_multiplies_it():
    assert check(SetLearningRate(value=0.5)).optimizer.param_groups[0]["lr"] == 0.5
    assert check(SetLearningRate(factor=3.0)).optimizer.param_groups[0]["lr"] == 0.1 * 3.0


def test_each_group_of_parameters_keeps_its_part():
    def two_groups(_: object) -> torch.optim.Optimizer:
        layers = list(mlp().parameters())
        return torch.optim.SGD([{"params": layers[:2], "lr": 0.1}, {"params": layers[2:], "lr": 0.2}])

    found = applied(SetLearningRate(factor=2.0), to=loop(optimizer=two_groups))
    assert [group["lr"] for group in found.optimizer.param_groups] == [0.2, 0.4]


def test_the_same_rate_and_one_out_of_bounds_are_refused():
    assert refusal(SetLearningRate(value=0.1)) == "the learning rate is already 0.1"
    assert "is not between" in refusal(SetLearningRate(factor=1e30), SetLearningRate(factor=1e30))
