"""A module, or a function's node in the autograd graph, is known by what the activation says about torch."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from gradclinic.experiments.activations import ACTIVATIONS
from gradclinic_torch.model.module_kinds import activation_of_module, activation_of_node


def node_of(function) -> object:
    return function(torch.ones(2, requires_grad=True)).grad_fn


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"identity"}))
def test_the_module_that_an_activation_builds_is_known_as_that_activation(name: str):
    activation = ACTIVATIONS[name]()
    call = activation.call()
    module = getattr(nn, call.target.removeprefix("nn."))(*call.args, **call.kwargs)
    assert activation_of_module(module) == activation


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_a_node_is_known_as_the_activation_that_names_it(name: str):
    activation = ACTIVATIONS[name]()
    call = activation.call()
    for known in activation.torch_names:
        if not known.name.startswith("nn."):
            node = node_of(getattr(nn, call.target.removeprefix("nn."))(*call.args, **call.kwargs))
            assert node.name() == known.name
            assert activation_of_node(node) == activation


def test_parameters_are_read_from_torch():
    assert activation_of_module(nn.LeakyReLU(0.25)).negative_slope == 0.25
    assert activation_of_node(node_of(lambda z: functional.leaky_relu(z, 0.25))).negative_slope == 0.25
    assert activation_of_node(node_of(lambda z: functional.elu(z, 0.5))).alpha == 0.5


def test_what_no_entry_describes_is_not_known():
    assert activation_of_module(nn.Hardtanh(-2.0, 2.0)) is None
    assert activation_of_module(nn.LeakyReLU(-1.0)) is None
    assert activation_of_node(node_of(lambda z: functional.softplus(z, beta=2.0))) is None
    assert activation_of_node(node_of(lambda z: functional.celu(z, 2.0))) is None
    assert activation_of_node(node_of(torch.exp)) is None


def test_a_module_that_only_shares_its_name_is_not_torchs():
    class ReLU(nn.Module):
        pass

    assert activation_of_module(ReLU()) is None
