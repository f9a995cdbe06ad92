from collections.abc import Mapping
from typing import ClassVar, Literal

from ...kernel.spec import Shape
from ..layers import Layout
from .base import Dataset, Split, shuffled_split
from .bundled import bundled

_ALL = 569


class BreastCancer(Dataset):
    """569 breast tumours, 30 features of their cell nuclei, malignant or benign; 75 % are for training."""

    kind: Literal["breast_cancer"] = "breast_cancer"
    source: ClassVar[str] = "Street, Wolberg and Mangasarian 1993, UCI; ships with scikit-learn"

    def forms(self) -> Mapping[Layout, Shape]:
        return {"flat": (30,)}

    def outputs(self) -> int:
        return 2

    def size(self) -> tuple[int, int]:
        train = _ALL * 3 // 4
        return train, _ALL - train

    def draw(self) -> Split:
        inputs, targets = bundled("breast_cancer")
        return shuffled_split(inputs, targets, train=self.size()[0], seed=self.seed)
