"""How claims evaluate runs: one number or truth value per seed, medians with intervals, and decisions."""

from collections.abc import Callable, Iterable, Sequence
from math import inf, isfinite, nan

from ..comparison import RunResult
from ..diagnosis.confidence import median_interval, median_of
from ..kernel.vocabulary import ClaimVerdict
from .claim import Figure, Seeds

TAU = 1.5
"""Orders of magnitude of gradient decay (or growth) from which a network counts as vanishing (or exploding)."""


def depth_slope(run: RunResult) -> float:
    """Gradient decay D at step 0, in orders of magnitude; 0 if there is no slope."""
    value = run.metric("depth_slope")
    return 0.0 if value is None else value


def loss_left(run: RunResult) -> float:
    """Training loss relative to always predicting the average; infinite if training diverged."""
    value = run.metric("relative_train_loss")
    return inf if value is None or not isfinite(value) or run.broke_off else value


def share(truths: Iterable[bool]) -> float:
    """Fraction of true values."""
    known = list(truths)
    return sum(known) / len(known)


def figure(name: str, values: Iterable[float | None], unit: str) -> Figure:
    """The median of a number measured once per seed, with its interval; NaN if no seed has it."""
    known = [value for value in values if value is not None]
    found = median_interval(known)
    return Figure(
        name,
        median_of(known) if known else nan,
        unit,
        n=len(known),
        interval=found[:2] if found else None,
        confidence=found[2] if found else None,
    )


def by_arm(seeds: Seeds, measure: Callable[[RunResult], float | None], unit: str) -> dict[str, Figure]:
    """The figure of each arm, in order of the arms."""
    return {name: figure(name, [measure(seed[name]) for seed in seeds], unit) for name in seeds[0]}


def decided(truths: Sequence[bool | None]) -> bool | None:
    """True or False if the whole interval of the median seed agrees, else None.

    There is one truth value per seed; None (not measured) does not count. This is a sign test: all of six seeds must
    agree, or ten of twelve. A single seed has no interval and decides alone.
    """
    if len(truths) == 1:
        return truths[0]
    holds = median_interval([float(truth is True) for truth in truths])
    may_hold = median_interval([float(truth is not False) for truth in truths])
    if holds is None or may_hold is None:
        return None
    return True if holds[0] == 1 else False if may_hold[1] == 0 else None


def of_parts(parts: Sequence[Sequence[bool | None]]) -> ClaimVerdict:
    """Supported if all parts hold, refuted if none does, mixed otherwise; each part has one truth value per seed.

    Inconclusive if seeds disagree on a part that matters. "All" and "none" need no correction for the number of
    parts, because each part must be decided. Source: Berger 1982, Technometrics 24:295.
    """
    found = {decided(part) for part in parts}
    if found == {True}:
        return "supported"
    if found == {False}:
        return "refuted"
    return "mixed" if found >= {True, False} else "inconclusive"


def any_of(parts: Sequence[Sequence[bool | None]]) -> bool | None:
    """Whether some part holds; False if all are decided against, None if undecided."""
    found = {decided(part) for part in parts}
    return True if True in found else None if None in found else False


def said(measured: Figure) -> str:
    """A figure in text, with its interval in brackets."""
    if measured.interval is None or measured.interval == (inf, inf):
        return _short(measured.value)
    return f"{_short(measured.value)} [{', '.join(_short(bound) for bound in measured.interval)}]"


def _short(value: float) -> str:
    return f"{value:.2g}" if isfinite(value) else "not finite"
