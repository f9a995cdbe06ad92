"""How claims read their runs: a number or a truth in each seed, medians with intervals, and what these decide."""

from collections.abc import Callable, Iterable, Sequence
from math import inf, isfinite, nan

from ..comparison import RunResult
from ..diagnosis.confidence import median_interval, median_of
from ..kernel.vocabulary import ClaimVerdict
from .claim import Figure, Seeds

TAU = 1.5
"""Decades of gradient lost (or gained) over the depth from which on a network counts as vanishing (or exploding)."""


def depth_slope(run: RunResult) -> float:
    """D at step 0, in decades; a slope that does not exist is no loss."""
    value = run.metric("depth_slope")
    return 0.0 if value is None else value


def loss_left(run: RunResult) -> float:
    """Share of the constant predictor's loss that is left; infinite where training broke off."""
    value = run.metric("relative_train_loss")
    return inf if value is None or not isfinite(value) or run.broke_off else value


def share(truths: Iterable[bool]) -> float:
    """Share of what is true."""
    known = list(truths)
    return sum(known) / len(known)


def figure(name: str, values: Iterable[float | None], unit: str) -> Figure:
    """The median of a number that is measured once a seed, with its interval; NaN where no seed has it."""
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
    """The figure of each arm, in the order of the arms."""
    return {name: figure(name, [measure(seed[name]) for seed in seeds], unit) for name in seeds[0]}


def decided(truths: Sequence[bool | None]) -> bool | None:
    """What holds in the median seed: True or False where the whole interval of the median says so, else None.

    One truth a seed, None where it was not measured, which speaks for nothing. So it is a sign test: six seeds have to
    agree, and ten of twelve. A single seed has no interval and decides by itself.
    """
    if len(truths) == 1:
        return truths[0]
    holds = median_interval([float(truth is True) for truth in truths])
    may_hold = median_interval([float(truth is not False) for truth in truths])
    if holds is None or may_hold is None:
        return None
    return True if holds[0] == 1 else False if may_hold[1] == 0 else None


def of_parts(parts: Sequence[Sequence[bool | None]]) -> ClaimVerdict:
    """Supported if every part holds, refuted if none does, mixed if some do and some do not; each a truth a seed.

    Inconclusive where seeds disagree on a part that this hangs on. "Every" and "none" need no correction for the
    number of parts: each has to be decided. Source: Berger 1982, Technometrics 24:295.
    """
    found = {decided(part) for part in parts}
    if found == {True}:
        return "supported"
    if found == {False}:
        return "refuted"
    return "mixed" if found >= {True, False} else "inconclusive"


def any_of(parts: Sequence[Sequence[bool | None]]) -> bool | None:
    """Whether some part holds; False where each is decided against, None where that is open."""
    found = {decided(part) for part in parts}
    return True if True in found else None if None in found else False


def said(measured: Figure) -> str:
    """A figure for a sentence, with its interval in brackets."""
    if measured.interval is None or measured.interval == (inf, inf):
        return _short(measured.value)
    return f"{_short(measured.value)} [{', '.join(_short(bound) for bound in measured.interval)}]"


def _short(value: float) -> str:
    return f"{value:.2g}" if isfinite(value) else "not finite"
