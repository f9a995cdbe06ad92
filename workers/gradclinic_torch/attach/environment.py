"""The environment of a recorded training, with notes on what the recorder could not see."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from gradclinic.measurements.record import SiteInfo

from ..measure.one_pass import kernels_on
from ..model.compiled import is_compiled
from ..model.module_kinds import FUSED, is_attention


def environment_of(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    parameters: Sequence[nn.Parameter],
    *,
    device: torch.device,
    sites: Sequence[SiteInfo],
    unseen: int,
    unmeasured: int,
    split: int,
    weights_seen: bool,
) -> dict[str, Any]:
    """The environment as it is stored with the run.

    `unseen` is the number of layers with weights whose output was not seen, `unmeasured` of those whose output is no
    dense tensor of real numbers; `split` is the number of parameters that are sharded over several processes. Without
    `weights_seen`, the optimizer steps within the backward pass.
    """
    return {
        "model": type(model).__name__,
        "optimizer": type(optimizer).__name__,
        "parameters": sum(parameter.numel() for parameter in parameters),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "torch": str(torch.__version__),
        "kernels": kernels_on(device.type),
        "notes": [
            *_unseen_notes(unseen),
            *_unmeasured_notes(unmeasured),
            *_split_notes(split),
            *_weights_notes(seen=weights_seen),
            *_notes(model, sites),
        ],
    }


def _notes(model: nn.Module, sites: Sequence[SiteInfo]) -> list[str]:
    grouped = any(site.group for site in sites)
    notes = [
        f"for the time steps of {name}, gradients are recorded at the inputs: the states are inside one kernel"
        if grouped
        else f"the time steps of {name} are not seen: they are inside one kernel"
        for name in sorted({type(module).__name__ for module in model.modules() if isinstance(module, FUSED)})
    ]
    unknown = sum(site.kind == "pre_activation" and site.activation is None for site in sites)
    if unknown:
        notes.append(f"the activation after {unknown} of the sites is unknown, so saturation is not checked there")
    measured = any(site.kind == "attention" for site in sites)
    if not measured and is_compiled(model) and any(map(is_attention, model.modules())):
        notes.append("the logits and the entropy of attention are not recorded: a compiled graph does not keep them")
    return notes


def _unseen_notes(unseen: int) -> list[str]:
    if not unseen:
        return []
    why = (
        "it was not called, or within a transform of torch.func or a TorchScript program only,"
        " or its model, or another of the same code, was compiled before the recording started, or with fullgraph=True"
    )
    layers = f"{unseen} layer{'s' if unseen > 1 else ''} with weights"
    return [f"the output of {layers} was not seen in the first step: {why}"]


def _unmeasured_notes(unmeasured: int) -> list[str]:
    if not unmeasured:
        return []
    layers = f"{unmeasured} layer{'s' if unmeasured > 1 else ''}"
    return [f"the output of {layers} is not recorded: it is complex, sparse, nested, or in several processes"]


def _weights_notes(*, seen: bool) -> list[str]:
    why = "the optimizer steps before the backward pass has ended"
    return [] if seen else [f"the weights, their gradients and the norm of all gradients are not recorded: {why}"]


def _split_notes(split: int) -> list[str]:
    if not split:
        return []
    parameters = f"{split} parameter{'s are' if split > 1 else ' is'} sharded over several processes"
    return [f"{parameters}: the cosine of successive gradients is not recorded"]
