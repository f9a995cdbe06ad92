"""Whether pictures were mirrored or transposed, and the maps that are their targets were not."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, one_hot

_SIDE = 16
"""Maps are compared at this many pixels a side at most."""
_SAMPLES = 512
_FEWEST = 32
_CHANNELS = 8
"""Most channels of a picture, and classes of a map."""

_TURNS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "mirrored": lambda maps: maps.flip(3),
    "upside down": lambda maps: maps.flip(2),
    "turned by 180 degrees": lambda maps: maps.flip(2, 3),
    "transposed": lambda maps: maps.transpose(2, 3),
}
"""Ways to turn [samples, channels, height, width]."""
_CLEARLY, _LEAST = 2.0, 0.1
"""A turned picture agrees with its map if their correlation is at least this, and this many times that of the picture
as it is: judgements. Of chance, 32 pictures of 16 x 16 pixels leave less than .02."""


class TurnedMaps:
    """Keeps the first pictures and their maps."""

    def __init__(self) -> None:
        self._pictures: list[Tensor] = []
        self._maps: list[Tensor] = []

    def add(self, pictures: Tensor, maps: Tensor) -> None:
        """A batch of inputs and targets; those that are no pictures with a map of the same size are left out."""
        maps = _with_channels(maps, pictures)
        fits = pictures.ndim == maps.ndim == 4 and pictures.shape[2:] == maps.shape[2:] and min(maps.shape[2:]) > 1
        if not fits or not pictures.is_floating_point() or sum(len(each) for each in self._maps) >= _SAMPLES:
            return
        self._pictures.append(_small(pictures[:, :_CHANNELS]))
        self._maps.append(_small(maps[:, :_CHANNELS]))

    def turned(self) -> str | None:
        """How pictures are turned that agree with their maps only if turned back; None if they are not."""
        if len({each.shape[1:] for each in self._maps}) != 1 or len({each.shape[1:] for each in self._pictures}) != 1:
            return None
        pictures, maps = torch.cat(self._pictures), torch.cat(self._maps)
        if len(maps) < _FEWEST:
            return None
        as_it_is = _agreement(pictures, maps)
        found = {
            name: _agreement(turn(pictures), maps)
            for name, turn in _TURNS.items()
            if turn(pictures).shape == pictures.shape
        }
        best = max(found, key=lambda name: found[name])
        return best if found[best] >= max(_LEAST, _CLEARLY * as_it_is) else None


def _with_channels(maps: Tensor, pictures: Tensor) -> Tensor:
    """[samples, channels, height, width]: of class numbers a channel for each class."""
    if maps.ndim != 3 or pictures.ndim != 4:
        return maps
    if maps.is_floating_point():
        return maps[:, None]
    return one_hot(maps.clamp(0, _CHANNELS - 1), _CHANNELS).movedim(-1, 1)


def _small(maps: Tensor) -> Tensor:
    side = (min(_SIDE, maps.shape[2]), min(_SIDE, maps.shape[3]))
    return adaptive_avg_pool2d(maps.detach().float(), side).double().cpu()


def _agreement(pictures: Tensor, maps: Tensor) -> float:
    """Largest size of the correlation of any channel with any map, over pixels, each less its mean over the samples."""
    one, other = pictures - pictures.mean(0), maps - maps.mean(0)
    products = torch.einsum("nchw,nkhw->ck", one, other).abs()
    sizes = one.square().sum((0, 2, 3)).sqrt()[:, None] * other.square().sum((0, 2, 3)).sqrt()[None]
    return float((products / sizes.clamp_min(1e-12)).max())
