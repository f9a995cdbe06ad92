"""The learning rate of an optimizer of any kind."""

import torch


def rate_of(optimizer: torch.optim.Optimizer) -> float | None:
    """The learning rate of the first group; None if it has none, as optimizers do that find their own (Adafactor)."""
    rate = optimizer.param_groups[0].get("lr")
    return None if rate is None else float(rate)
