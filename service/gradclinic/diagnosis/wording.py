"""What the numbers of a finding are called where a person reads them."""

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
    """A measured number as a person reads it."""

    label: str
    value: float
    threshold: float | None
    interval: tuple[float, float] | None
    """Lower bound first."""


def as_read(name: str, value: float, threshold: float | None, *, interval: Sequence[float] | None = None) -> Reading:
    """The plain name of a number with its value; a slope that gains is named so, and has not the minus of a loss.

    It is read as a gain where it is held against a gain, or against nothing, and is one. A number of another rule set
    goes by its own name, with blanks.
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
