"""Lowers single layers, and computes them as a worker would."""

import pytest
import torch
from torch import Tensor, nn

from gradclinic.experiments.layers import Layer, Node, lower_sequence
from gradclinic.kernel.errors import InvalidSpec
from gradclinic_workers.train.build import build


def lowered(layer: Layer, *in_shape: int) -> Node:
    """The layer as the first node of a network for samples of that shape."""
    return lower_sequence([layer], in_shape, pointer="/layers")[0][0]


def module(layer: Layer, *in_shape: int) -> nn.Module:
    """Its torch module."""
    return dict(build([lowered(layer, *in_shape)]).named())[f"0.{layer.kind}"]


def computed(layer: Layer, inputs: Tensor) -> Tensor:
    """What it makes of a batch."""
    return build([lowered(layer, *inputs.shape[1:])])(inputs)


def misfit(layer: Layer, *in_shape: int) -> str:
    """Why the layer cannot take that shape, and what it could take."""
    with pytest.raises(InvalidSpec) as caught:
        lowered(layer, *in_shape)
    problem = caught.value.problems[0]
    assert problem.pointer == "/layers/0"
    assert problem.value["kind"] == layer.kind
    return f"{problem.message}; {problem.allowed}"


def samples(*shape: int) -> Tensor:
    """Four normal samples of that shape, the same every time."""
    return torch.randn((4, *shape), generator=torch.Generator().manual_seed(0))
