"""Whether a tensor is sharded over several processes, its local part, and whether its numbers can be measured."""

from math import prod

import torch
from torch import Tensor, nn

ORDINARY = (Tensor, nn.Parameter)
"""Types of tensors that are whole and in this process."""


def is_split(tensor: Tensor) -> bool:
    """Whether this process holds only a part of a tensor (a DTensor that is sharded over several processes)."""
    return _parts_of(tensor) > 1


def share_of(tensor: Tensor) -> float:
    """One over the number of processes that hold the same part of a tensor, where a process group trains the model.

    Over all processes, the parts of a tensor, each counted with this, are the tensor once.
    """
    return _parts_of(tensor) / torch.distributed.get_world_size()


def fraction_of(tensor: Tensor) -> float:
    """The entries of this process over those of the whole tensor, times the share."""
    here: Tensor = getattr(tensor, "to_local", tensor.detach)()
    return share_of(tensor) * here.numel() / max(1, tensor.numel())


def _parts_of(tensor: Tensor) -> int:
    mesh, placements = getattr(tensor, "device_mesh", None), getattr(tensor, "placements", None)
    if mesh is None or placements is None:
        return 1
    return prod(mesh.size(axis) for axis, placement in enumerate(placements) if not placement.is_replicate())


def is_measured(tensor: Tensor) -> bool:
    """Whether statistics can be computed of a layer's output: of real numbers, dense, and all in this process.

    Complex, sparse and nested tensors cannot, nor can a DTensor, of which a hook would have to ask other processes.
    """
    dense = tensor.layout == torch.strided and not tensor.is_nested and not hasattr(tensor, "device_mesh")
    return dense and tensor.is_floating_point()


def plain(tensor: Tensor) -> Tensor:
    """The part of a tensor in this process, as an ordinary real tensor without history.

    Of a complex tensor these are its real and imaginary parts, with the same L2 norm.
    """
    if type(tensor) in ORDINARY:
        found = tensor.detach() if tensor.requires_grad else tensor
    else:
        found = getattr(tensor, "to_local", tensor.detach)().detach()
    return torch.view_as_real(found) if found.is_complex() else found
