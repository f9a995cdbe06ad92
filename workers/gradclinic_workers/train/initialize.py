"""Draws the initial weights of a network from its declared initialization schemes.

Every layer with weights has its own random generator, seeded by the run's seed and the layer's position
among the layers with weights. A remedy that adds a norm or a skip connection does not change other draws,
so arms of a study are paired wherever the shapes allow.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from gradclinic.experiments.experiment import Experiment
from gradclinic.experiments.initializations import Initialization, scheme_named
from gradclinic.experiments.initializations.lecun_normal import LecunNormal
from gradclinic.experiments.layers import Node, Parameter
from gradclinic.experiments.lowering import Network

WEIGHTS, BATCHES, NOISE, TABLES = 1, 2, 3, 4
"""Random streams of a run: initial weights, order of the data, random layers (dropout, RReLU), embeddings."""


def stream(seed: int, *path: int) -> int:
    """A 63-bit seed for one random stream of a run, independent of its other streams."""
    # The length distinguishes (1,) from (1, 0), because SeedSequence pads with zeros.
    state = np.random.SeedSequence([seed, len(path), *path]).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))


def generator(seed: int, *path: int) -> torch.Generator:
    """A CPU generator for one random stream of a run, so that draws are the same on all devices."""
    return torch.Generator().manual_seed(stream(seed, *path))


@torch.no_grad()
def initialize(modules: dict[str, nn.Module], network: Network, experiment: Experiment) -> None:
    """Set the parameters of all layers with weights and the tables in place; norms keep scale 1 and shift 0."""
    seed = experiment.training.seed
    weighted = network.weighted
    zeroed = _last_in_residual(network.nodes) if experiment.model.initialization.zero_last_in_residual else set()
    for index, node in enumerate(weighted):
        readout = index == len(weighted) - 1
        scheme = scheme_of(node, experiment.model.initialization, readout=readout)
        draws = generator(seed, WEIGHTS, index)
        for parameter in node.parameters:
            tensor = modules[node.name].get_parameter(parameter.name)
            if parameter.role == "weight":
                tensor.copy_(draw_weight(scheme, parameter, draws))
            elif parameter.role == "input_weight":
                input_scheme = LecunNormal(gain=scheme.input_gain)
                tensor.copy_(draw_weight(input_scheme, parameter, draws))
            elif parameter.role == "bias":
                tensor.copy_(draw_bias(scheme, parameter, draws))
        if node.name in zeroed:
            last = [parameter.name for parameter in node.parameters if parameter.role == "weight"][-1]
            modules[node.name].get_parameter(last).zero_()
    tables = [
        (node, parameter) for node in network.walk() for parameter in node.parameters if parameter.role == "table"
    ]
    for index, (node, parameter) in enumerate(tables):
        table = torch.randn(parameter.shape, generator=generator(seed, TABLES, index)) * parameter.deviation
        modules[node.name].get_parameter(parameter.name).copy_(table)


def scheme_of(node: Node, default: Initialization, *, readout: bool) -> Initialization:
    """The initialization of a layer with weights: its own, else the readout's (with bias 0), else the model's."""
    own = getattr(node.layer, "initialization", None)
    if isinstance(own, Initialization):
        return own
    return scheme_named(default.readout).model_copy(update={"bias": 0.0}) if readout else default


def draw_weight(scheme: Initialization, parameter: Parameter, draws: torch.Generator) -> Tensor:
    """One float32 weight tensor drawn from the scheme's distribution; stacked matrices are drawn separately."""
    if parameter.parts > 1:
        rows = (parameter.shape[0] // parameter.parts, *parameter.shape[1:])
        part = replace(parameter, shape=rows, parts=1)
        return torch.cat([draw_weight(scheme, part, draws) for _ in range(parameter.parts)])
    deviation = scheme.deviation(parameter.fan_in, parameter.fan_out)
    if scheme.distribution in ("orthogonal", "lsuv"):
        matrix = torch.empty(parameter.shape)
        nn.init.orthogonal_(matrix, gain=scheme.gain, generator=draws)
        return matrix
    if scheme.distribution in ("uniform", "torch_default"):
        return (torch.rand(parameter.shape, generator=draws) * 2 - 1) * (deviation * 3**0.5)
    return torch.randn(parameter.shape, generator=draws) * deviation


def draw_bias(scheme: Initialization, parameter: Parameter, draws: torch.Generator) -> Tensor:
    """One bias tensor: the scheme's constant, or torch's own uniform draw for `torch_default`."""
    if scheme.bias is None and scheme.distribution == "torch_default":
        return (torch.rand(parameter.shape, generator=draws) * 2 - 1) * math.sqrt(1.0 / parameter.fan_in)
    return torch.full(parameter.shape, scheme.bias or 0.0)


def _last_in_residual(nodes: Sequence[Node]) -> set[str]:
    last: set[str] = set()
    for node in nodes:
        if node.kind == "residual":
            inside = [inner.name for child in node.children for inner in child.walk() if inner.weighted]
            last.update(inside[-1:])
        last |= _last_in_residual(node.children)
    return last
