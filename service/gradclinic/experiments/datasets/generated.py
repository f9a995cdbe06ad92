"""What data sets that are drawn from their own seed have in common."""

from typing import Annotated

from pydantic import Field

from .base import Dataset


class Generated(Dataset):
    """`n` samples drawn from the data's own seed; three quarters of them are for training."""

    n: Annotated[int, Field(ge=40, le=100_000)] = 1000
    """Samples in all."""

    def size(self) -> tuple[int, int]:
        train = self.n * 3 // 4
        return train, self.n - train
