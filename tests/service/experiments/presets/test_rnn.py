import pytest
from pydantic import ValidationError

from .lowered import kinds, lowered, profile


def rnn(**changes):
    return {"kind": "rnn", "width": 5, **changes}


def test_every_time_step_is_a_site():
    network = lowered(rnn(), "first_token", length=7)
    assert kinds(network) == ["recurrent", "last_step", "linear"]
    assert profile(network) == [f"0.recurrent.t{step}" for step in range(7)]
    assert {site.kind for site in network.sites} == {"state"}


def test_stacked_layers_are_groups_of_sites():
    network = lowered(rnn(depth=2), "first_token", length=3)
    assert [site.group for site in network.sites] == ["0.recurrent"] * 3 + ["1.recurrent"] * 3


@pytest.mark.parametrize(("cell", "gates"), [("rnn", 1), ("gru", 3), ("lstm", 4)])
def test_its_parameters_are_those_of_torchs_cells(cell, gates):
    network = lowered(rnn(cell=cell), "first_token")
    assert network.parameters == gates * (5 * 1 + 5 * 5 + 5 + 5) + (5 * 2 + 2)


def test_only_a_plain_cell_says_what_saturates():
    assert lowered(rnn(activation="sigmoid"), "first_token").sites[0].activation.name == "sigmoid"
    assert lowered(rnn(cell="lstm"), "first_token").sites[0].activation is None


def test_an_activation_that_no_cell_has_is_refused():
    with pytest.raises(ValidationError, match="gelu"):
        lowered(rnn(activation="gelu"), "first_token")
