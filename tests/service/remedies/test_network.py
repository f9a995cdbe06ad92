from dataclasses import replace

import pytest

from gradclinic.measurements.record import SiteInfo
from gradclinic.remedies.network import Network

from ..store.records import record
from .experiments import READOUT, activation, layers, linear, mlp, rnn, transformer


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


def test_one_activation_that_saturates_or_bends_is_enough():
    body = [linear(), activation("identity"), linear(), activation("tanh"), linear(), activation("relu")]
    network = Network.declared(layers(*body, READOUT))
    assert (network.bounded, network.linear, network.depth) == (True, False, 3)
    assert Network.declared(layers(linear(), activation("relu"), linear(), activation("identity"), READOUT)) == Network(
        recurrent=False, transformer=False, bounded=False, linear=False, depth=2
    )


def test_a_network_without_a_layer_output_in_its_profile_has_depth_one():
    network = Network.declared(layers(READOUT))
    assert (network.depth, network.branch, network.linear) == (1, 1.0, True)


def test_a_record_of_several_sites_tells_what_any_and_all_of_them_are():
    plain = SiteInfo("0.linear", "pre_activation", True, 4)
    state, inner = replace(plain, kind="state"), replace(plain, in_profile=False)
    identity, tanh = replace(plain, activation="identity"), replace(plain, activation="tanh", bounded=True)

    def told(*sites: SiteInfo) -> Network:
        return Network.recorded(replace(record(), sites=sites))

    assert told(plain, state, plain).recurrent
    assert told(plain, replace(plain, name="3.block"), plain).transformer
    assert not told(plain, replace(plain, name="3.block.linear")).transformer
    assert (told(identity, plain).linear, told(identity, tanh).linear) == (True, False)
    assert (told(identity, tanh).bounded, told(identity, plain).bounded) == (True, False)
    assert (told(plain, inner, plain).depth, told(inner).depth) == (2, 1)
