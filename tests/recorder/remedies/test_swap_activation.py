from torch import Tensor, nn

from gradclinic.experiments.activations.leaky_relu import LeakyReLU
from gradclinic.experiments.activations.prelu import PReLU
from gradclinic.experiments.activations.relu import ReLU
from gradclinic.remedies.swap_activation import SwapActivation

from .programs import Functional, check, convolutional, loop, mlp, refusal


def kinds(model: nn.Module) -> list[str]:
    return [type(module).__name__ for module in model.modules()]


def test_the_hidden_activation_modules_are_replaced():
    found = check(SwapActivation()).model
    assert (kinds(found).count("ReLU"), kinds(found).count("Sigmoid")) == (2, 0)
    assert check(SwapActivation(activation=LeakyReLU(negative_slope=0.3))).model[1].negative_slope == 0.3
    check(SwapActivation(), make=convolutional, shape=(2, 6, 6))


def test_the_activation_of_the_outputs_stays():
    def ending() -> nn.Module:
        return nn.Sequential(nn.Linear(6, 8), nn.Sigmoid(), nn.Linear(8, 3), nn.Sigmoid())

    assert kinds(check(SwapActivation(), make=ending).model)[1:] == ["Linear", "ReLU", "Linear", "Sigmoid"]


def test_one_module_that_is_called_several_times_is_replaced_everywhere():
    def shared() -> nn.Module:
        act = nn.Sigmoid()
        return nn.Sequential(nn.Linear(6, 8), act, nn.Linear(8, 8), act, nn.Linear(8, 3))

    found = check(SwapActivation(), make=shared).model
    assert isinstance(found[1], nn.ReLU)
    assert isinstance(found[3], nn.ReLU)


def test_the_optimizer_trains_what_an_activation_learns():
    found = check(SwapActivation(activation=PReLU()))
    assert len(found.held()) == 8


class Own(nn.Module):
    """An activation as other libraries define them: a module that calls torch's function."""

    def forward(self, hidden: Tensor) -> Tensor:
        return nn.functional.gelu(hidden)


def test_a_module_that_only_calls_the_function_is_an_activation_too():
    def own() -> nn.Module:
        return nn.Sequential(nn.Linear(6, 8), Own(), nn.Dropout(0.1), nn.Identity(), nn.Linear(8, 3))

    found = check(SwapActivation(), make=own).model
    assert kinds(found) == ["Sequential", "Linear", "ReLU", "Dropout", "Identity", "Linear"]


def test_activations_that_forward_calls_as_functions_are_refused():
    assert "as functions, which cannot be swapped" in refusal(SwapActivation(), to=loop(Functional))


def test_a_model_without_another_activation_is_refused():
    assert "no hidden activation module other than relu" in refusal(SwapActivation(), to=loop(lambda: mlp(nn.ReLU)))
    assert "no hidden activation module" in refusal(SwapActivation(), to=loop(lambda: nn.Linear(6, 3)))


def test_one_module_for_hidden_and_last_layer_is_refused():
    def shared() -> nn.Module:
        act = nn.Sigmoid()
        return nn.Sequential(nn.Linear(6, 8), act, nn.Linear(8, 3), act)

    assert "use two modules" in refusal(SwapActivation(activation=ReLU()), to=loop(shared))
