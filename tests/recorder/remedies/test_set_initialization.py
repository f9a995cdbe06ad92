import pytest
import torch
from torch import Tensor, nn

from gradclinic.experiments.initializations import INITIALIZATIONS
from gradclinic.experiments.initializations.kaiming_normal import KaimingNormal
from gradclinic.experiments.initializations.lsuv import LSUV
from gradclinic.experiments.initializations.orthogonal import Orthogonal
from gradclinic.experiments.initializations.xavier_normal import XavierNormal
from gradclinic.remedies.set_initialization import SetInitialization

from .programs import Functional, Recurrent, applied, check, convolutional, loop, refusal

SCHEMES = [each for each in INITIALIZATIONS if each != "lsuv"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_weights_are_drawn_anew(scheme):
    initialization = INITIALIZATIONS[scheme](gain=1.5)
    check(SetInitialization(initialization=initialization))
    check(SetInitialization(initialization=initialization), make=convolutional, shape=(2, 6, 6))


def test_recurrent_weights_are_drawn_gate_by_gate():
    remedy = SetInitialization(initialization=Orthogonal(input_gain=0.1))
    found = check(remedy, make=Recurrent, shape=(4, 6)).model.cell
    fresh = applied(remedy, to=loop(Recurrent, 4, 6)).model.cell
    for gate in fresh.weight_hh_l0.split(5):
        assert torch.allclose(gate @ gate.T, torch.eye(5), atol=1e-5)
    assert fresh.weight_ih_l0.std() < 0.1
    assert found.hidden_size == 5
    check(remedy, make=lambda: Recurrent(nn.GRU), shape=(4, 6))


class Attending(nn.Module):
    """Attention of torch, whose matrices are parameters and not layers."""

    def __init__(self) -> None:
        super().__init__()
        self.attention, self.readout = nn.MultiheadAttention(6, 2, batch_first=True), nn.Linear(6, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.readout(self.attention(inputs, inputs, inputs)[0].mean(1))


def test_the_matrices_of_attention_are_drawn_one_by_one():
    remedy = SetInitialization(initialization=Orthogonal())
    check(remedy, make=Attending, shape=(4, 6))
    attention = applied(remedy, to=loop(Attending, 4, 6)).model.attention
    for part in (*attention.in_proj_weight.split(6), attention.out_proj.weight):
        assert torch.allclose(part @ part.T, torch.eye(6), atol=1e-5)


def test_the_readout_has_a_scheme_of_its_own():
    def wide() -> nn.Module:
        return nn.Sequential(nn.Linear(6, 4000), nn.ReLU(), nn.Linear(4000, 3))

    found = applied(SetInitialization(initialization=KaimingNormal()), to=loop(wide)).model
    assert float(found[0].weight.detach().std()) == pytest.approx((2 / 6) ** 0.5, rel=0.02)
    assert float(found[2].weight.detach().std()) == pytest.approx((1 / 4000) ** 0.5, rel=0.02)


def test_it_does_not_matter_how_the_activations_are_called():
    check(SetInitialization(initialization=XavierNormal()), make=Functional)


def test_layers_that_the_optimizer_does_not_train_keep_their_weights():
    def frozen() -> nn.Module:
        model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
        model[0].requires_grad_(False)
        return model

    before = loop(frozen).model[0].weight.clone()
    assert torch.equal(applied(SetInitialization(), to=loop(frozen)).model[0].weight, before)


def test_what_needs_samples_or_residual_blocks_is_refused():
    assert "scales the weights on samples" in refusal(SetInitialization(initialization=LSUV()))
    zeroed = SetInitialization(initialization=KaimingNormal(zero_last_in_residual=True))
    assert "residual block" in refusal(zeroed)


def transposed() -> nn.Module:
    """Layers of GPT-2, whose weights are [in, out]; the first makes query, key and value at once."""
    from transformers.pytorch_utils import Conv1D

    return nn.Sequential(Conv1D(18, 6), nn.Tanh(), Conv1D(8, 18), nn.Tanh(), nn.Linear(8, 3))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_weights_of_gpt_2_are_drawn_as_those_of_other_linear_layers(scheme):
    pytest.importorskip("transformers")
    remedy = SetInitialization(initialization=INITIALIZATIONS[scheme](gain=1.5))
    check(remedy, make=transposed)


def test_query_key_and_value_of_gpt_2_are_three_matrices():
    pytest.importorskip("transformers")
    found = applied(SetInitialization(initialization=Orthogonal()), to=loop(transposed)).model
    for part in found[0].weight.T.split(6):
        assert torch.allclose(part @ part.T, torch.eye(6), atol=1e-5)
    assert torch.allclose(found[2].weight.T @ found[2].weight, torch.eye(8), atol=1e-5)
