"""A momentum beyond the usual, which makes steps many times as large as the learning rate says."""

from ..kernel.vocabulary import Blame
from ..measurements.record import RunRecord

_LARGEST = 0.99
"""The largest momentum of published networks (Ronneberger et al. 2015, U-Net, arXiv:1505.04597)."""
_ADD_UP = ("SGD", "RMSprop")
"""Optimizers whose momentum adds up steps, to 1 / (1 - momentum) times the learning rate; Adam's averages them."""


def too_large(record: RunRecord) -> float | None:
    """The momentum, if it is beyond that of any published network; None otherwise."""
    used = record.preflight.optimizer if record.preflight is not None else None
    known = used is not None and used.name in _ADD_UP and _LARGEST < used.momentum < 1.0
    return used.momentum if used is not None and known else None


def blamed_first(blames: tuple[Blame, ...], record: RunRecord) -> tuple[Blame, ...]:
    """Parts that are blamed for steps that are too large, with the optimizer first if its momentum makes them so."""
    if too_large(record) is None:
        return blames
    return ("optimizer", *(blame for blame in blames if blame != "optimizer"))


def in_words(record: RunRecord) -> str:
    """A sentence about it, after a space; empty for a usual momentum."""
    momentum = too_large(record)
    if momentum is None:
        return ""
    times = 1.0 / (1.0 - momentum)
    return f" A momentum of {momentum:g} adds steps up to {times:,.0f} times the learning rate: lower it to 0.9."
