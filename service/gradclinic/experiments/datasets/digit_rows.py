from collections.abc import Mapping
from typing import ClassVar, Literal

from ...kernel.spec import Shape
from ..layers import Layout
from .base import Dataset, Split
from .digits import Digits


class DigitRows(Dataset):
    """The digits as sequences: 8 steps, each a row of 8 pixels; the first 1500 of 1797 are for training."""

    kind: Literal["digit_rows"] = "digit_rows"
    one_scalar: ClassVar[bool] = True
    source: ClassVar[str] = "Alpaydin and Kaynak 1998, UCI; ships with scikit-learn"

    def forms(self) -> Mapping[Layout, Shape]:
        return {"sequence": (8, 8)}

    def outputs(self) -> int:
        return Digits().outputs()

    def size(self) -> tuple[int, int]:
        return Digits().size()

    def draw(self) -> Split:
        return Digits().draw()
