"""The registry of remedies for a loop of one's own: each file registers one function by the type of its remedy."""

from functools import singledispatch

from gradclinic.remedies import Remedy
from gradclinic.remedies.base import refuse

from .loop import Loop


@singledispatch
def in_loop(remedy: Remedy, loop: Loop) -> Loop:  # noqa: ARG001  # the functions that register themselves take it
    """The loop with the remedy applied; raises RemedyDoesNotApply with the reason why it cannot be."""
    raise refuse(f"{remedy.kind} cannot be applied to a program's own model; it rewrites a declared network")
