"""The names of a finding's numbers, as people read them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .rules import RULES
from .rules.base import SHARED_LABELS

LABELS: Mapping[str, str] = {
    **SHARED_LABELS,
    **{name: label for rule in RULES.values() for name, label in rule.labels.items()},
}
"""By the evidence's name."""


class Reading(NamedTuple):
    """A measured number with its name for people."""

    label: str
    value: float
    threshold: float | None
    interval: tuple[float, float] | None
    """Lower bound first."""


def as_read(name: str, value: float, threshold: float | None, *, interval: Sequence[float] | None = None) -> Reading:
    """The plain name of a number with its value; a negative slope becomes a positive "gain".

    A slope is a gain if its threshold is one; without a threshold, if its value is negative. Numbers of other rule sets
    keep their names, with spaces for underscores.
    """
    label = LABELS.get(name, name.replace("_", " "))
    gained = name.startswith("depth_slope") and (threshold < 0 if threshold is not None else value < 0)
    if not gained:
        return Reading(label, value, threshold, None if interval is None else (interval[0], interval[1]))
    return Reading(
        label.replace("gradient lost", "gradient gained"),
        -value,
        None if threshold is None else -threshold,
        None if interval is None else (-interval[1], -interval[0]),
    )
