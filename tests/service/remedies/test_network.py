from dataclasses import replace

import pytest

from gradclinic.measurements.record import SiteInfo
from gradclinic.remedies.network import Network

from ..store.records import record
from .experiments import mlp, rnn, transformer


@pytest.mark.parametrize(("activation", "bounded"), [("sigmoid", True), ("tanh", True), ("relu", False)])
def test_units_that_can_saturate_are_told_from_those_that_cannot(activation, bounded):
    network = Network.declared(mlp(depth=12, activation=activation))
    assert (network.bounded, network.linear) == (bounded, False)
    assert (network.recurrent, network.transformer) == (False, False)


def test_residual_branches_are_scaled_by_one_over_the_root_of_the_depth():
    network = Network.declared(mlp(depth=12, activation="tanh"))
    assert (network.depth, network.branch) == (12, 0.289)
    assert replace(network, depth=4).branch == 0.5


@pytest.mark.parametrize(
    ("experiment", "recurrent", "is_transformer"), [(rnn(), True, False), (transformer(), False, True)]
)
def test_recurrent_networks_and_transformers_are_told_apart(experiment, recurrent, is_transformer):
    network = Network.declared(experiment)
    assert (network.recurrent, network.transformer) == (recurrent, is_transformer)


def test_a_network_without_activations_is_linear():
    assert Network.declared(mlp(activation="identity")).linear
    assert not Network.declared(mlp(activation="tanh")).linear


def test_a_record_tells_the_same_of_its_network():
    found = Network.recorded(record())
    assert found == Network(recurrent=False, transformer=False, bounded=True, linear=False, depth=2)
    state = SiteInfo("0.state", "state", True, 4)
    assert Network.recorded(replace(record(), sites=(state,))) == Network(
        recurrent=True, transformer=False, bounded=False, linear=True, depth=1
    )
    assert Network.recorded(replace(record(), sites=(replace(state, name="1.block", kind="x"),))).transformer
