from torch import nn

from gradclinic.experiments.output_activations.log_softmax import LogSoftmax
from gradclinic.remedies.change_output_activation import ChangeOutputActivation

from .programs import check, loop, refusal


def ending() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3), nn.Softmax(dim=-1))


def test_the_activation_of_the_outputs_is_removed_or_replaced():
    assert isinstance(check(ChangeOutputActivation(), make=ending).model[3], nn.Identity)
    found = check(ChangeOutputActivation(output_activation=LogSoftmax()), make=ending)
    assert isinstance(found.model[3], nn.LogSoftmax)


def test_without_a_module_behind_the_readout_it_is_refused():
    assert refusal(ChangeOutputActivation()) == "no activation module is called behind the readout"


def test_the_same_activation_is_refused():
    def log() -> nn.Module:
        return nn.Sequential(nn.Linear(6, 3), nn.LogSoftmax(dim=-1))

    same = ChangeOutputActivation(output_activation=LogSoftmax())
    assert refusal(same, to=loop(log)) == "the output activation is already nn.LogSoftmax(dim=-1)"
