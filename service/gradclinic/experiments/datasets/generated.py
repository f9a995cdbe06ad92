"""The base class of data sets generated from their own seed."""

from typing import Annotated

from pydantic import Field

from .base import Dataset


class Generated(Dataset):
    """`n` samples generated from the data set's own seed; 75 % are for training."""

    n: Annotated[int, Field(ge=40, le=100_000)] = 1000
    """Total number of samples."""

    def size(self) -> tuple[int, int]:
        train = self.n * 3 // 4
        return train, self.n - train
