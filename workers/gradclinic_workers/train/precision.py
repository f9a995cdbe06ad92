"""Training in half precision: activations are cast, weights stay float32, and float16 gets its loss scaled."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor

from gradclinic.kernel.errors import TrainingFailed

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
FIRST_SCALE = 2.0**16
GROW_AFTER = 2000
"""Steps without an overflow after which the scale is doubled; both figures are those of torch.amp.GradScaler."""


@contextmanager
def casting(precision: str, device: torch.device) -> Iterator[None]:
    """Compute in that precision where torch has the operation in it."""
    half = precision != "float32"
    with torch.autocast(device.type, dtype=DTYPES[precision]) if half else nullcontext():
        yield


class LossScale:
    """Multiplies a float16 loss, so that small gradients do not underflow on their way back.

    A step whose scaled gradient overflows is skipped, and the scale halved; at scale 1 nothing is left to halve,
    and what is not finite is a result of the training. Other precisions have scale 1 always.
    Source: Micikevicius et al. 2018, arXiv:1710.03740.
    """

    def __init__(self, precision: str) -> None:
        if precision not in DTYPES:
            raise TrainingFailed(f"this worker knows no precision {precision}")
        self.scaled = precision == "float16"
        self.value = FIRST_SCALE if self.scaled else 1.0
        self._finite_steps = 0

    def backward(self, loss: Tensor) -> None:
        """Back-propagate the scaled loss."""
        torch.autograd.backward(loss * self.value if self.scaled else loss)

    def unscale(self, gradients: Sequence[Tensor]) -> None:
        """Divide gradients, in place."""
        if self.value != 1.0:
            torch._foreach_mul_(list(gradients), 1.0 / self.value)

    def skips(self, loss: Tensor, total_norm: Tensor) -> bool:
        """Whether this step overflowed because of the scale alone; the next one has a smaller or larger scale."""
        if not self.scaled:
            return False
        if bool(torch.isfinite(total_norm)):
            self._finite_steps += 1
            if self._finite_steps == GROW_AFTER:
                self.value, self._finite_steps = self.value * 2.0, 0
            return False
        if self.value == 1.0 or not bool(torch.isfinite(loss)):
            return False
        self.value, self._finite_steps = max(1.0, self.value / 2.0), 0
        return True

    def state(self) -> list[float]:
        """What a resumed run needs."""
        return [self.value, float(self._finite_steps)]

    def resume(self, state: Sequence[float]) -> None:
        """Take up where another run left off."""
        self.value, self._finite_steps = state[0], int(state[1])
