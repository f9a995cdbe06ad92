"""A loss as people write it: a function in a module of their own."""

from collections.abc import Callable

from torch import Tensor, nn


class OwnLoss(nn.Module):
    """The function of outputs and targets as a loss."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *args: Tensor, **kwargs: Tensor) -> Tensor:
        return self.function(*args, **kwargs)
