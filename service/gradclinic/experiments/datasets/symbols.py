"""What data sets of symbols have in common: as tokens for an embedding, or each symbol as its own feature."""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np

from ...kernel.spec import Shape
from ..layers import Layout
from .base import Dataset, Samples, Split


class SymbolSequences(Dataset):
    """Sequences of symbols; they have no scale, so they are never standardized."""

    inputs_as_they_are: ClassVar[bool] = True

    def steps(self) -> int:
        """Symbols in each sequence."""
        raise AssertionError("every data set of symbols says how long its sequences are")

    def forms(self) -> Mapping[Layout, Shape]:
        return {"sequence": (self.steps(), self.symbols()), "tokens": (self.steps(),)}

    def sample(self, layout: Layout) -> Split:
        """int64 symbols [n, steps] as tokens; else one feature for each symbol, float32 [n, steps, symbols]."""
        raw = self.draw()
        if layout == "tokens":
            return raw
        self.input_shape(layout)
        return Split(*(self._one_hot(half) for half in (raw.train, raw.validation)))

    def _one_hot(self, samples: Samples) -> Samples:
        factor, shift = (1.0, 0.0) if self.standardize else (self.scale, self.shift)
        table = factor * np.eye(self.symbols(), dtype=np.float32) + shift
        return replace(samples, inputs=table.astype(np.float32)[samples.inputs])
