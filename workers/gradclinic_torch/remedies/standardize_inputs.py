import torch
from torch import Tensor, nn

from gradclinic.remedies.base import refuse
from gradclinic.remedies.standardize_inputs import StandardizeInputs

from .base import in_loop
from .loop import Loop

SMALLEST_STD = 1e-6
"""Columns that vary less are constant, and are only centred."""


@in_loop.register
def standardize_inputs(_: StandardizeInputs, loop: Loop) -> Loop:
    """Shift and scale what the model is given: each column of a table, anything else as a whole."""
    sample = loop.sample()
    if sample is None or not isinstance(loop.loss, nn.Module):
        raise refuse("it is not known which part of a batch are the inputs; make batches of (inputs, targets)")
    inputs = sample[0]
    if not inputs.is_floating_point():
        raise refuse(f"the inputs are {inputs.dtype}, so they are no measured values")
    axes = (0,) if inputs.ndim == 2 else tuple(range(inputs.ndim))
    mean, std = inputs.mean(axes), inputs.std(axes)
    if bool((mean.abs() < 1e-3).all()) and bool(((std - 1).abs() < 1e-3).all()):
        raise refuse("the inputs are already standardized")
    std = torch.where(std < SMALLEST_STD, torch.ones_like(std), std)

    def standardized(_: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        first = given[0]
        return ((first - mean.to(first)) / std.to(first), *given[1:])

    loop.model.register_forward_pre_hook(standardized)
    return loop.changed(
        "after building",
        "# inputs: some hundred training inputs in one tensor",
        f"mean, std = inputs.mean({axes}), inputs.std({axes})",
        f"std = torch.where(std < {SMALLEST_STD}, torch.ones_like(std), std)",
        "model.register_forward_pre_hook(lambda _, given: ((given[0] - mean) / std, *given[1:]))",
    )
