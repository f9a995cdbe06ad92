import pytest
import torch

from gradclinic.experiments.layers import lower_sequence
from gradclinic.experiments.layers.recurrent import Recurrent

from .built import lowered, misfit, module, samples

CELLS = {
    ("rnn", "tanh"): lambda: torch.nn.RNN(3, 4, batch_first=True),
    ("rnn", "relu"): lambda: torch.nn.RNN(3, 4, nonlinearity="relu", batch_first=True),
    ("gru", "tanh"): lambda: torch.nn.GRU(3, 4, batch_first=True),
    ("lstm", "tanh"): lambda: torch.nn.LSTM(3, 4, batch_first=True),
}


@pytest.mark.parametrize(("cell", "nonlinearity"), CELLS)
def test_every_state_is_torchs(cell, nonlinearity):
    layer = Recurrent(cell=cell, width=4, nonlinearity=nonlinearity)
    built, inputs, reference = module(layer, 6, 3), samples(6, 3), CELLS[cell, nonlinearity]()
    with torch.no_grad():
        for name, parameter in built.named_parameters():
            reference.get_parameter(f"{name}_l0").copy_(parameter)
    output, last = reference(inputs)
    seen = {}
    torch.testing.assert_close(built(inputs, seen.__setitem__), output)
    state = last[1][0] if cell == "lstm" else output[:, -1]
    torch.testing.assert_close(seen["0.recurrent.t5"], state)
    assert [name for name in seen if not name.endswith(".z")] == [f"0.recurrent.t{step}" for step in range(6)]


def test_a_plain_cell_shows_the_argument_of_its_nonlinearity_too():
    seen = {}
    module(Recurrent(width=4), 6, 3)(samples(6, 3), seen.__setitem__)
    torch.testing.assert_close(torch.tanh(seen["0.recurrent.t2.z"]), seen["0.recurrent.t2"])


def test_the_forget_gates_bias_starts_where_it_is_told():
    bias = module(Recurrent(cell="lstm", width=2, forget_bias=1.5), 3, 1).bias_ih
    assert bias.tolist() == [0, 0, 1.5, 1.5, 0, 0, 0, 0]


def test_its_matrices_start_gate_by_gate_from_the_states_fans():
    incoming, fed_back = lowered(Recurrent(cell="gru", width=4), 6, 3).parameters[:2]
    assert (incoming.role, incoming.fan_in, incoming.parts) == ("input_weight", 3, 3)
    assert (fed_back.role, fed_back.fan_in, fed_back.fan_out, fed_back.parts) == ("weight", 4, 4, 3)


def test_layers_stand_one_above_the_other():
    nodes, shape = lower_sequence([Recurrent(width=4, layers=3)], (6, 2))
    assert [node.name for node in nodes] == ["0.recurrent", "1.recurrent", "2.recurrent"]
    assert [node.in_shape for node in nodes] == [(6, 2), (6, 4), (6, 4)]
    assert shape == (6, 4)
    assert Recurrent(width=4, layers=3).count() == 3


def test_it_takes_sequences_only():
    assert "[steps, features]" in misfit(Recurrent(width=4), 6)
