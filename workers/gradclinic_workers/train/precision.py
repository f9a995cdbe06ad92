"""Half-precision training: activations are cast, weights stay in float32, and float16 uses loss scaling."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor

from gradclinic.kernel.errors import TrainingFailed

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
FIRST_SCALE = 2.0**16
GROW_AFTER = 2000
"""Steps without overflow after which the scale doubles; both values are those of torch.amp.GradScaler."""


@contextmanager
def casting(precision: str, device: torch.device) -> Iterator[None]:
    """Compute in this precision where torch supports the operation."""
    half = precision != "float32"
    with torch.autocast(device.type, dtype=DTYPES[precision]) if half else nullcontext():
        yield


class LossScale:
    """Scales a float16 loss so that small gradients do not underflow in the backward pass.

    If a scaled gradient overflows, the step is skipped and the scale is halved. At scale 1, a non-finite
    gradient is a result of training. Other precisions always have scale 1.
    Source: Micikevicius et al. 2018, arXiv:1710.03740.
    """

    def __init__(self, precision: str) -> None:
        if precision not in DTYPES:
            raise TrainingFailed(f"this worker does not support precision {precision}")
        self.scaled = precision == "float16"
        self.value = FIRST_SCALE if self.scaled else 1.0
        self._finite_steps = 0

    def backward(self, loss: Tensor) -> None:
        """Back-propagate the scaled loss."""
        torch.autograd.backward(loss * self.value if self.scaled else loss)

    def unscale(self, gradients: Sequence[Tensor]) -> None:
        """Divide gradients by the scale, in place."""
        if self.value != 1.0:
            torch._foreach_mul_(list(gradients), 1.0 / self.value)

    def skips(self, loss: Tensor, total_norm: Tensor) -> bool:
        """Whether this step overflowed only because of the scale; adjusts the scale for the next step."""
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
        """The state that a resumed run needs."""
        return [self.value, float(self._finite_steps)]

    def resume(self, state: Sequence[float]) -> None:
        """Continue from a saved state."""
        self.value, self._finite_steps = state[0], int(state[1])
