from dataclasses import replace

from gradclinic.remedies.base import refuse
from gradclinic.remedies.raise_precision import RaisePrecision

from .base import in_loop
from .loop import Loop

_RANGE = ("float16", "bfloat16", "float32")
"""Rising range; bfloat16 and float32 have nearly the same."""


@in_loop.register
def raise_precision(remedy: RaisePrecision, loop: Loop) -> Loop:
    """Compute in a precision with a larger range, which needs no gradient scaler."""
    if loop.precision == "float32":
        raise refuse(
            "the study was not given a precision; pass precision= to it, instead of an autocast in your own program"
        )
    if _RANGE.index(loop.precision) >= _RANGE.index(remedy.precision):
        raise refuse(f"{loop.precision} already has the range of {remedy.precision}")
    if remedy.precision == "float32":
        lines = ("# no torch.autocast and no gradient scaler",)
    else:
        lines = (f"with torch.autocast({loop.device!r}, torch.bfloat16):  # and no gradient scaler",)
    return replace(loop, precision=remedy.precision).changed("forward pass", *lines)
