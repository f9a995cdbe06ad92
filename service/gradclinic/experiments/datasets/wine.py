from collections.abc import Mapping
from typing import ClassVar, Literal

from ...kernel.spec import Shape
from ..layers import Layout
from .base import Dataset, Split, shuffled_split
from .bundled import bundled

_ALL = 178


class Wine(Dataset):
    """178 Italian wines, 13 measured features, 3 growers; 75 % are for training."""

    kind: Literal["wine"] = "wine"
    source: ClassVar[str] = "Aeberhard and Forina 1991, UCI; ships with scikit-learn"

    def forms(self) -> Mapping[Layout, Shape]:
        return {"flat": (13,)}

    def outputs(self) -> int:
        return 3

    def size(self) -> tuple[int, int]:
        train = _ALL * 3 // 4
        return train, _ALL - train

    def draw(self) -> Split:
        inputs, targets = bundled("wine")
        return shuffled_split(inputs, targets, train=self.size()[0], seed=self.seed)
