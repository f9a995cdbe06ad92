from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from ...kernel.spec import Shape
from ..layers import Layout
from .base import Dataset, Split, shuffled_split

Doubles = npt.NDArray[np.float64]

_TEMPLATES = np.array(
    [
        [5, 6, 6.5, 6.75, 7, 7, 7, 7, 6.75, 6.5, 6, 5],
        [5, 3, 3, 3.4, 3.8, 4.2, 4.6, 5, 5.4, 5.8, 5, 5],
        [5, 6, 6.5, 6.5, 6, 5.25, 4.75, 4, 3.5, 3.5, 4, 5],
        [5, 6, 6.5, 6.5, 6, 5, 5, 6, 6.5, 6.5, 6, 5],
        [5, 4.4, 3.8, 3.2, 2.6, 2.6, 5, 5, 5, 5, 5, 5],
        [5, 3, 3, 3, 3, 5, 6, 6.5, 6.5, 6, 4.5, 5],
        [5, 4, 3.5, 3.25, 3, 3, 3, 3, 3.25, 3.5, 4, 5],
        [5, 7, 7, 6.6, 6.2, 5.8, 5.4, 5, 4.6, 4.2, 5, 5],
        [5, 4, 3.5, 3.5, 4, 5, 5, 4, 3.5, 3.5, 4, 5],
        [5, 4, 3.5, 3.5, 4, 5, 5, 5, 5, 4.7, 4.3, 5],
    ]
)
"""One template curve of 12 points per digit, as published by the author."""

_PADDED, _STEPS = 72, 40


class MNIST1D(Dataset):
    """Ten digits drawn as curves of 40 points: padded, scaled, shifted, sheared, with noise; 80 % are for training."""

    kind: Literal["mnist1d"] = "mnist1d"
    n: Annotated[int, Field(ge=100, le=50_000)] = 5000
    """Total number of samples."""
    source: ClassVar[str] = "Greydanus 2020, arXiv:2011.14439 (generated here; samples differ from the published ones)"

    def forms(self) -> Mapping[Layout, Shape]:
        return {"flat": (_STEPS,), "sequence": (_STEPS, 1)}

    def outputs(self) -> int:
        return len(_TEMPLATES)

    def size(self) -> tuple[int, int]:
        train = self.n * 4 // 5
        return train, self.n - train

    def draw(self) -> Split:
        generator = np.random.default_rng([self.seed, 1])
        curves = _TEMPLATES - _TEMPLATES.mean(axis=1, keepdims=True)
        curves = curves / curves.std(axis=1, keepdims=True)
        curves = (curves - curves[:, :1]) / 6
        targets = np.arange(self.n) % len(_TEMPLATES)
        inputs = np.stack([_transformed(curves[target], generator) for target in targets])
        return shuffled_split(inputs.astype(np.float32), targets, train=self.size()[0], seed=self.seed)


def _transformed(curve: Doubles, generator: np.random.Generator) -> Doubles:
    """One sample of a curve, generated with the steps and constants of the paper."""
    padded = np.concatenate([curve + 1e-8, np.zeros(generator.integers(36, 61))])
    stretched = _resampled(padded, _PADDED) * (1 + 0.4 * (generator.random() - 0.5))
    shifted = np.roll(stretched, generator.integers(0, 48))
    background = _smooth(0.25 * generator.standard_normal(_PADDED))
    noisy = np.where(shifted != 0, shifted, background) + 0.02 * generator.standard_normal(_PADDED)
    sheared = noisy - 0.75 * (generator.random() - 0.5) * np.linspace(-0.5, 0.5, _PADDED)
    return _resampled(sheared, _STEPS)


def _resampled(curve: Doubles, points: int) -> Doubles:
    return np.interp(np.linspace(0, 1, points), np.linspace(0, 1, len(curve)), curve)


def _smooth(noise: Doubles) -> Doubles:
    """Smoothed by a Gaussian filter of standard deviation 2, reflected at the ends."""
    offsets = np.arange(-8, 9)
    kernel = np.exp(-0.5 * (offsets / 2.0) ** 2)
    return np.convolve(np.pad(noise, 8, mode="symmetric"), kernel / kernel.sum(), mode="valid")
