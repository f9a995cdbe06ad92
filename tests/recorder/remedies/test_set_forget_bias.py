import torch

from gradclinic.remedies.set_forget_bias import SetForgetBias

from .programs import Recurrent, applied, check, loop, refusal


def test_the_forget_gate_starts_with_this_bias():
    check(SetForgetBias(bias=3.0), make=Recurrent, shape=(4, 6))
    cell = applied(SetForgetBias(bias=3.0), to=loop(Recurrent, 4, 6)).model.cell
    assert torch.equal((cell.bias_ih_l0 + cell.bias_hh_l0)[5:10], torch.full((5,), 3.0))


def test_a_model_without_an_lstm_is_refused():
    assert refusal(SetForgetBias()) == "the model has no LSTM with biases"
