"""Layer-sequential unit variance (LSUV): scales each hidden layer's weights by its outputs on real samples."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gradclinic.experiments.experiment import Experiment
from gradclinic.experiments.lowering import Network

from .initialize import scheme_of


@torch.no_grad()
def calibrate(
    modules: dict[str, nn.Module], network: Network, experiment: Experiment, *, forward: Callable[[], Tensor]
) -> None:
    """One forward pass that scales all lsuv layers so that their outputs have standard deviation `gain`.

    Layers are scaled in forward order, each on the outputs of the scaled layers before it. The readout is unchanged.
    Source: Mishkin and Matas 2016, arXiv:1511.06422.
    """
    handles = []
    for index, node in enumerate(network.weighted):
        scheme = scheme_of(node, experiment.model.initialization, readout=index == len(network.weighted) - 1)
        if scheme.distribution == "lsuv" and node.kind in ("linear", "conv1d", "conv2d"):
            handles.append(modules[node.name].register_forward_hook(_scaler(scheme.gain)))
    if not handles:
        return
    try:
        forward()
    finally:
        for handle in handles:
            handle.remove()


def _scaler(gain: float) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]:
    def scale(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        deviation = output.double().std(correction=0)
        if not torch.isfinite(deviation) or deviation <= 0:
            return output
        module.get_parameter("weight").mul_((gain / deviation).to(output.dtype))
        scaled: Tensor = module.forward(*inputs)
        return scaled

    return scale
