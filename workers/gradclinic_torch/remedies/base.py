"""The registry of remedies for a loop of one's own: each file registers one function by the type of its remedy."""

from functools import singledispatch

from gradclinic.remedies import Remedy
from gradclinic.remedies.base import refuse

from .loop import Loop

_REASONS = {
    "change_loss": "the losses of its arms would be different measures; make a program of its own for another loss",
    "standardize_targets": "the loss would be in another unit than the baseline's; standardize them in your program",
}


@singledispatch
def in_loop(remedy: Remedy, loop: Loop) -> Loop:  # noqa: ARG001  # the functions that register themselves take it
    """The loop with the remedy applied; raises RemedyDoesNotApply with the reason why it cannot be."""
    reason = _REASONS.get(remedy.kind, "it rewrites a declared network")
    raise refuse(f"{remedy.kind} cannot be applied to a program's own model: {reason}")
