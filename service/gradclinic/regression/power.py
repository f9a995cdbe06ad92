"""What a number of seeds can decide, before anything is trained."""

from collections.abc import Mapping, Sequence

from ..diagnosis.rules import RULES
from .chance import Befell
from .metrics import FEWEST_SEEDS

ERROR = 0.05
"""False-failure rate, at most."""
RESERVED = 0.35
"""Fraction of the error that is reserved for conditions; the rest is for the metrics. With two metrics (the default),
.65 x .05 / 2 = .01625 is left for each, so three seeds can fail: that all three learn in the baseline and none in the
new runs has a probability of at most 4^-3 = .0156 if both are alike."""


def seeds_that_can_fail(metrics: int) -> int:
    """The smallest number of seeds with which a check of `metrics` metrics fails a network that no longer learns.

    If no new run learned and every run of the baseline did, Student's interval is not valid, and the metric fails if
    the exact test of this event is significant. Source: Barnard 1945, Nature 156:177.
    """
    error = (1 - RESERVED) * ERROR / metrics
    return next(n for n in range(FEWEST_SEEDS, 100) if Befell(n, n, 0, n).beyond_chance(error))


def note_on_seeds(seeds: int, *, metrics: int) -> str | None:
    """What a check of `metrics` metrics with this number of seeds cannot decide; None if they are enough."""
    enough = seeds_that_can_fail(metrics)
    if seeds >= enough:
        return None
    with_them = "With a single seed" if seeds == 1 else f"With {seeds} seeds"
    if seeds < FEWEST_SEEDS:
        return f"{with_them} no metric can fail or pass; {enough} can."
    return (
        f"{with_them} a network that no longer learns cannot fail a check of {metrics} metrics; with {enough} it can."
    )


def note_on_sick(conditions: Mapping[str, int]) -> str | None:
    """What a check cannot see if pinned runs have a critical condition; None if none has.

    conditions: number of pinned runs by primary condition.
    """
    sick = {name: count for name, count in conditions.items() if _is_critical(name)}
    if not sick:
        return None
    found = ", ".join(f"{name.replace('_', ' ')} in {count}" for name, count in sick.items())
    return f"These runs are sick: {found} of {sum(conditions.values())}. A check passes what is as sick as they are."


def _is_critical(condition: str) -> bool:
    rule = RULES.get(condition)
    return rule is not None and rule.usual_severity == "critical"


def notes_on_check(found: Sequence[str], *, seeds: int, metrics: int) -> list[str]:
    """What limits a check: too few seeds first, then what was found when it was judged."""
    few = note_on_seeds(seeds, metrics=metrics)
    return [*([few] if few else []), *found]
