"""Output sizes of convolutions and pools."""

from typing import Annotated, Literal

from pydantic import Field

from .base import DoesNotFit

Kernel = Annotated[int, Field(ge=1, le=1024)]
Padding = Annotated[int, Field(ge=0, le=512)] | Literal["same"]


def window_output(size: int, *, kernel: int, stride: int, padding: int | str, what: str) -> int:
    """Number of positions of a window of `kernel` along an axis of `size`; raises DoesNotFit if there are none."""
    if padding == "same":
        if kernel % 2 == 0:
            raise DoesNotFit(
                f"{what} with padding 'same' needs an odd kernel size, not {kernel}", allowed="an odd kernel size"
            )
        if stride != 1:
            raise DoesNotFit(
                f"{what} with padding 'same' needs stride 1, not {stride}",
                allowed=f"stride 1, or a numeric padding such as {kernel // 2}",
            )
        return size
    positions = (size + 2 * int(padding) - kernel) // stride + 1
    if size + 2 * int(padding) < kernel or positions < 1:
        raise DoesNotFit(
            f"{what} of kernel size {kernel} does not fit an axis of {size} with padding {padding}",
            allowed=f"a kernel size of at most {size + 2 * int(padding)}, or more padding",
        )
    return positions
