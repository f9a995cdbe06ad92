"""Whether a parameter is sharded over several processes, and its local part."""

import torch
from torch import Tensor


def is_split(tensor: Tensor) -> bool:
    """Whether this process holds only a part of a tensor (a DTensor that is sharded over several processes)."""
    mesh, placements = getattr(tensor, "device_mesh", None), getattr(tensor, "placements", None)
    if mesh is None or placements is None:
        return False
    return any(mesh.size(axis) > 1 and not placement.is_replicate() for axis, placement in enumerate(placements))


def plain(tensor: Tensor) -> Tensor:
    """The part of a tensor in this process, as an ordinary real tensor without history.

    Of a complex tensor these are its real and imaginary parts, with the same L2 norm.
    """
    found: Tensor = getattr(tensor, "to_local", tensor.detach)().detach()
    return torch.view_as_real(found) if found.is_complex() else found
