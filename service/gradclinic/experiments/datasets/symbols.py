"""The base class of symbol sequences, offered as tokens for an embedding or as one-hot features."""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np

from ...kernel.spec import Shape
from ..layers import Layout
from .base import Dataset, Samples, Split


class SymbolSequences(Dataset):
    """Sequences of symbols. Symbols have no scale, so they are never standardized."""

    inputs_as_they_are: ClassVar[bool] = True

    def steps(self) -> int:
        """Number of symbols in each sequence."""
        raise AssertionError("a data set of symbols must define the length of its sequences")

    def forms(self) -> Mapping[Layout, Shape]:
        return {"sequence": (self.steps(), self.symbols()), "tokens": (self.steps(),)}

    def sample(self, layout: Layout) -> Split:
        """Tokens as int64 symbols [n, steps]; otherwise one-hot features, float32 [n, steps, symbols]."""
        raw = self.draw()
        if layout == "tokens":
            return raw
        self.input_shape(layout)
        return Split(*(self._one_hot(half) for half in (raw.train, raw.validation)))

    def _one_hot(self, samples: Samples) -> Samples:
        factor, shift = (1.0, 0.0) if self.standardize else (self.scale, self.shift)
        table = factor * np.eye(self.symbols(), dtype=np.float32) + shift
        return replace(samples, inputs=table.astype(np.float32)[samples.inputs])
