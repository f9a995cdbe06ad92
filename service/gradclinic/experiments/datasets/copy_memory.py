from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from .base import Split, shuffled_split
from .generated import Generated
from .symbols import SymbolSequences

_ALPHABET = 8
_BLANK, _MARK = _ALPHABET, _ALPHABET + 1


class CopyMemory(SymbolSequences, Generated):
    """One of 8 symbols, then `length` blanks, then a mark. The class is the symbol. 75 % are for training."""

    kind: Literal["copy_memory"] = "copy_memory"
    n: Annotated[int, Field(ge=40, le=100_000)] = 1000
    """Total number of samples; samples with the same symbol are identical."""
    length: Annotated[int, Field(ge=1, le=2000)] = 20
    """Blanks between the symbol and the mark."""
    source: ClassVar[str] = "Arjovsky, Shah and Bengio 2016, arXiv:1511.06464 (with one symbol to copy)"

    def steps(self) -> int:
        return self.length + 2

    def symbols(self) -> int:
        return _ALPHABET + 2

    def outputs(self) -> int:
        return _ALPHABET

    def draw(self) -> Split:
        targets = np.random.default_rng([self.seed, 1]).integers(0, _ALPHABET, self.n)
        inputs = np.full((self.n, self.steps()), _BLANK, np.int64)
        inputs[:, 0], inputs[:, -1] = targets, _MARK
        return shuffled_split(inputs, targets, train=self.size()[0], seed=self.seed)
