from collections.abc import Mapping
from typing import ClassVar, Literal

from ...kernel.spec import Shape
from ..layers import Layout
from .base import Dataset, Samples, Split
from .bundled import bundled

_TRAIN, _ALL = 1500, 1797


class Digits(Dataset):
    """1797 handwritten digits of 8 x 8 pixels, 10 classes; the first 1500 are for training."""

    kind: Literal["digits"] = "digits"
    one_scalar: ClassVar[bool] = True
    source: ClassVar[str] = "Alpaydin and Kaynak 1998, UCI; ships with scikit-learn"

    def forms(self) -> Mapping[Layout, Shape]:
        return {"flat": (64,), "image": (1, 8, 8)}

    def outputs(self) -> int:
        return 10

    def size(self) -> tuple[int, int]:
        return _TRAIN, _ALL - _TRAIN

    def draw(self) -> Split:
        inputs, targets = bundled("digits")
        halves = [Samples(inputs[part].copy(), targets[part].copy()) for part in (slice(_TRAIN), slice(_TRAIN, None))]
        return Split(*halves)
