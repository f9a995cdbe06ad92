"""Whether a tensor is sharded over several processes, its local part, and whether its numbers can be measured."""

import torch
from torch import Tensor


def is_split(tensor: Tensor) -> bool:
    """Whether this process holds only a part of a tensor (a DTensor that is sharded over several processes)."""
    mesh, placements = getattr(tensor, "device_mesh", None), getattr(tensor, "placements", None)
    if mesh is None or placements is None:
        return False
    return any(mesh.size(axis) > 1 and not placement.is_replicate() for axis, placement in enumerate(placements))


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
    found: Tensor = getattr(tensor, "to_local", tensor.detach)().detach()
    return torch.view_as_real(found) if found.is_complex() else found
