"""Remedies for a training loop of one's own, one per file: what the remedy of this name does to model and optimizer."""

import importlib
import pkgutil
from collections.abc import Sequence

from gradclinic.kernel.errors import InvalidRequest
from gradclinic.remedies import Remedy

from .base import in_loop
from .loop import Loop

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")


def apply_all(loop: Loop, remedies: Sequence[Remedy]) -> Loop:
    """The loop with all remedies applied in order; raises RemedyDoesNotApply with the pointer of the one that fails.

    The model and the optimizer of `loop` are changed in place, so it cannot be used any more.
    """
    for index, remedy in enumerate(remedies):
        try:
            loop = in_loop(remedy, loop)
        except InvalidRequest as error:
            raise error.under(f"/remedies/{index}") from None
    return loop


__all__ = ["Loop", "apply_all", "in_loop"]
