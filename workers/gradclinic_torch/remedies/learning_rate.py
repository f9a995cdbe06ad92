"""How remedies change the learning rate of an optimizer."""

from collections.abc import Callable

from torch.optim import Optimizer

from gradclinic.remedies.base import refuse
from gradclinic.remedies.learning_rate import LARGEST, SMALLEST

from .loop import Loop


def with_rate(loop: Loop, rate_of: Callable[[float], float], *, code: str) -> Loop:
    """The loop with another learning rate in every group of parameters; `code` is the statement for one `group`."""
    before = rates_of(loop.optimizer)
    after = [rate_of(rate) for rate in before]
    if before == after:
        raise refuse(f"the learning rate is already {in_words(before)}")
    if not all(SMALLEST <= rate <= LARGEST for rate in after):
        raise refuse(f"a learning rate of {in_words(after)} is not between {SMALLEST:g} and {LARGEST:g}")
    for group, rate in zip(loop.optimizer.param_groups, after, strict=True):
        group["lr"] = rate
    words = f"{in_words(before)} -> {in_words(after)}"
    return loop.changed("after building", "for group in optimizer.param_groups:", f"    {code}  # {words}")


def rates_of(optimizer: Optimizer) -> list[float]:
    """The learning rate of each group of parameters."""
    return [float(group["lr"]) for group in optimizer.param_groups]


def in_words(rates: list[float]) -> str:
    """The different ones of these rates, in order."""
    return ", ".join(dict.fromkeys(f"{rate:.6g}" for rate in rates))
