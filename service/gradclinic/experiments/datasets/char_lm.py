from functools import cache
from hashlib import sha256
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from .base import Samples, Split
from .symbols import SymbolSequences

_CHARACTERS = 95
"""The printable ASCII characters; all others, including line ends, become spaces."""


class CharLM(SymbolSequences):
    """Predict the next character of the Python language reference from the previous `length` characters.

    Training windows come from the first 90 % of the text, validation windows from the last 10 %.
    """

    kind: Literal["char_lm"] = "char_lm"
    n: Annotated[int, Field(ge=40, le=100_000)] = 4000
    """Total number of windows; 75 % are for training."""
    length: Annotated[int, Field(ge=1, le=1000)] = 32
    """Characters in each window."""
    source: ClassVar[str] = "pydoc_data.topics, which ships with Python (its text differs between versions)"

    def steps(self) -> int:
        return self.length

    def symbols(self) -> int:
        return _CHARACTERS

    def outputs(self) -> int:
        return _CHARACTERS

    def size(self) -> tuple[int, int]:
        train = self.n * 3 // 4
        return train, self.n - train

    def text_digest(self) -> str | None:
        return sha256(_text().encode()).hexdigest()

    def draw(self) -> Split:
        codes = np.frombuffer(_text().encode("ascii"), np.uint8).astype(np.int64) - ord(" ")
        border = len(codes) * 9 // 10
        generator = np.random.default_rng([self.seed, 1])
        train, validation = self.size()
        return Split(
            self._windows(codes[:border], train, generator), self._windows(codes[border:], validation, generator)
        )

    def _windows(
        self, codes: "np.ndarray[tuple[int], np.dtype[np.int64]]", n: int, rng: np.random.Generator
    ) -> Samples:
        starts = rng.integers(0, len(codes) - self.length, n)
        windows = codes[starts[:, None] + np.arange(self.length + 1)]
        return Samples(windows[:, :-1], windows[:, -1])


@cache
def _text() -> str:
    from pydoc_data.topics import topics

    joined = " ".join(topics[name] for name in sorted(topics))
    printable = "".join(character if " " <= character <= "~" else " " for character in joined)
    return " ".join(printable.split())
