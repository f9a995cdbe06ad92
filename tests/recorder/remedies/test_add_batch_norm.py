import torch
from torch import Tensor, nn

from gradclinic.remedies.add_batch_norm import AddBatchNorm
from gradclinic.remedies.lower_learning_rate import LowerLearningRate

from .programs import Functional, check, loop, refusal


class Residual(nn.Module):
    """A network with a skip connection: the output of `second` is added to something before its activation."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.readout = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = torch.relu(self.first(inputs))
        return self.readout(torch.relu(hidden + self.second(hidden)))


def images() -> nn.Module:
    layers = [nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3), nn.BatchNorm2d(5), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(20, 3))


def norms(model: nn.Module) -> list[str]:
    return [name for name, each in model.named_modules() if "BatchNorm" in type(each).__name__]


def test_a_norm_stands_before_each_hidden_activation():
    assert norms(check(AddBatchNorm()).model) == ["0.1", "2.1"]
    assert norms(check(AddBatchNorm(), make=Functional).model) == ["first.1", "second.1"]


def test_a_layer_that_has_a_norm_keeps_it_alone():
    assert norms(check(AddBatchNorm(), make=images, shape=(2, 6, 6)).model) == ["0.1", "3"]


def test_a_layer_whose_output_is_added_to_something_first_gets_none():
    assert norms(check(AddBatchNorm(), make=Residual).model) == ["first.1"]


def test_the_optimizer_trains_the_norms_with_the_settings_of_the_others():
    found = check(LowerLearningRate(), AddBatchNorm(momentum=0.5))
    assert {group["lr"] for group in found.optimizer.param_groups} == {0.1 * 0.1}
    assert {id(each) for each in found.model.parameters()} == {id(each) for each in found.held()}
    assert found.model[0][1].momentum == 0.5


def test_sequences_and_models_without_hidden_layers_are_refused():
    def sequences() -> nn.Module:
        return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3))

    assert "use add_layer_norm" in refusal(AddBatchNorm(), to=loop(sequences, 4, 6))
    assert "no activation directly takes" in refusal(AddBatchNorm(), to=loop(lambda: nn.Sequential(nn.Linear(6, 3))))


def test_a_program_that_reads_the_layer_itself_is_refused():
    class Reads(Functional):
        def forward(self, inputs: Tensor) -> Tensor:
            return super().forward(inputs) + self.first.weight.sum()

    assert "does not take a batch with it: AttributeError" in refusal(AddBatchNorm(), to=loop(Reads))
