"""Exact tests for events that a seed shows or not: a loss that is not finite, a network that did not learn.

Student's interval is based on scatter. If all seeds of an arm agree (all finite, or none), there is no scatter, even
with few seeds. These tests ask instead how often equal arms would give this result.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache, reduce
from math import comb
from typing import NamedTuple

import numpy as np

from .intervals import EXACT_UP_TO, Floats

Seeds = tuple[int, ...]
"""The number of seeds of each arm, the baseline first."""

LARGEST_TABLE = 256
"""Up to this total number of seeds, the level is the largest that keeps the error; above, half of the error a side."""

ROUNDING = 1e-9


class Levels(NamedTuple):
    """The largest conditional probabilities at which a difference counts, and the total error that results."""

    better: float
    worse: float
    error: float


@dataclass(frozen=True)
class Tally:
    """The number of seeds with a bad event in the baseline, in one arm, and in each other arm."""

    seeds: Seeds
    bad: tuple[int, ...]

    @property
    def differs(self) -> bool:
        """Whether the fraction of bad seeds differs between baseline and arm."""
        return abs(self._lower) > ROUNDING

    @property
    def _lower(self) -> float:
        """The fraction of bad seeds of the baseline minus that of the arm."""
        return self.bad[0] / self.seeds[0] - self.bad[1] / self.seeds[1]

    def decides(self, error: float) -> bool:
        """Whether the difference is significant, in a test whose total error over all arms is at most `error`."""
        better, worse, _ = levels(_sorted(self.seeds), error)
        if self._lower > ROUNDING:
            return self._chance(self._lower, sum(self.bad)) <= better + ROUNDING
        return self.differs and self._chance(-self._lower, sum(self.seeds) - sum(self.bad)) <= worse + ROUNDING

    def all_against_none(self, error: float) -> bool:
        """Whether all seeds of the baseline and none of the arm are bad, and that is significant."""
        if self._lower < 1 - ROUNDING:
            return False
        return self._chance(1.0, sum(self.bad)) <= levels_of_extremes(_sorted(self.seeds), error).better + ROUNDING

    def _chance(self, lower: float, bad: int) -> float:
        if lower < 1 - ROUNDING:
            return float(chances(_sorted(self.seeds), lower)[bad])
        mixed = sum(0 < marked < size for marked, size in zip(self.bad, self.seeds, strict=True))
        return float(chances_of_extremes(_sorted(self.seeds))[mixed, bad])

    def seeds_that_decide(self, error: float, *, all_against_none: bool = False) -> int | None:
        """The smallest number of seeds per arm that would decide if the fractions stay; None if more than 16."""
        for seeds in range(max(self.seeds) + 1, EXACT_UP_TO + 1):
            bad = tuple(round(bad / had * seeds) for bad, had in zip(self.bad, self.seeds, strict=True))
            more = Tally((seeds,) * len(self.seeds), bad)
            if more.all_against_none(error) if all_against_none else more.decides(error):
                return seeds
        return None


def _sorted(seeds: Seeds) -> Seeds:
    return (seeds[0], *sorted(seeds[1:]))


@lru_cache(maxsize=4096)
def chances(seeds: Seeds, lower: float) -> Floats:
    """[bad] probability that some arm's fraction is at least `lower` below the baseline's, given `bad` seeds in total.

    If arms are equal, all assignments of `bad` events to the seeds are equally likely. For example, it is
    1 / C(2n, n) for a single arm of n seeds, n events and `lower` 1. bad = 0 ... sum(seeds). Dimensionless.
    Source: Fisher 1935, J. Royal Statistical Society 98:39, for more than one arm by enumeration.
    """
    base, arms = seeds[0], Counter(seeds[1:])
    total = sum(seeds)
    event = np.zeros(total + 1)
    everything = _product((_shares(size), count) for size, count in arms.items())
    for marked in range(base + 1):
        bar = marked / base - lower
        if bar < -ROUNDING:
            continue
        none = _product((_shares(size, above=bar), count) for size, count in arms.items())
        event[marked : marked + len(everything)] += comb(base, marked) / 2**base * (everything - none)
    return np.clip(event / _product([(_shares(total), 1)]), 0.0, 1.0)


@lru_cache(maxsize=256)
def chances_of_extremes(seeds: Seeds) -> Floats:
    """[mixed, bad] probability that the baseline is all bad, some arm all good, and at most `mixed` arms are neither.

    Given `bad` events in total. Random events leave most arms mixed, so few mixed arms are unlikely by chance.
    mixed = 0 ... arms.
    """
    total, arms = sum(seeds), seeds[1:]
    every, without = [np.ones(1)], [np.ones(1)]
    for size in arms:
        coin = _shares(size)
        neither = coin * (np.arange(size + 1) % size > 0)
        every = _with(every, coin - neither, neither)
        without = _with(without, (coin - neither) * (np.arange(size + 1) > 0), neither)
    event = np.zeros((len(arms) + 1, total + 1))
    event[:, seeds[0] :] = (np.array(every) - np.array(without)) / 2 ** seeds[0]
    return np.clip(np.cumsum(event, axis=0) / _shares(total), 0.0, 1.0)


def _with(polynomials: list[Floats], pure: Floats, mixed: Floats) -> list[Floats]:
    """[mixed arms][bad] with one more arm, which is pure or mixed."""
    empty = np.zeros(len(polynomials[0]))
    return [
        np.convolve(stays, pure) + np.convolve(moves, mixed)
        for stays, moves in zip([*polynomials, empty], [empty, *polynomials], strict=True)
    ]


def _shares(seeds: int, *, above: float = -1.0) -> Floats:
    """[events] probability of this number of events with a fair coin, if their fraction is above `above`; else 0."""
    return np.array(
        [comb(seeds, marks) / 2**seeds if marks / seeds > above + ROUNDING else 0.0 for marks in range(seeds + 1)]
    )


def _product(factors: Iterable[tuple[Floats, int]]) -> Floats:
    every = [factor for factor, count in factors for _ in range(count)]
    return reduce(np.convolve, every, np.ones(1))


@lru_cache(maxsize=256)
def levels(seeds: Seeds, error: float) -> Levels:
    """The levels on both sides at which equal arms get a false verdict with probability at most `error`.

    A difference counts if its conditional probability is at most the level. The level is the largest for which the
    unconditional probability that some arm differs is at most `error`, for every true fraction of bad seeds. It is
    first equal on both sides; what remains of the error then goes to the side where the arm is better.
    Source: Boschloo 1970, Statistica Neerlandica 24:1.
    """
    if sum(seeds) > LARGEST_TABLE:
        return Levels(error / 2, error / 2, error)
    differences = {
        round(marked / seeds[0] - marks / size, 9)
        for size in set(seeds[1:])
        for marked in range(seeds[0] + 1)
        for marks in range(size + 1)
    }
    table = [chances(seeds, each) for each in sorted(differences) if ROUNDING < each < 1 - ROUNDING]
    return _largest(np.array([*chances_of_extremes(seeds), *table]), error)


@lru_cache(maxsize=256)
def levels_of_extremes(seeds: Seeds, error: float) -> Levels:
    """The level at which "all seeds of the baseline, none of an arm" counts, and the resulting error.

    For a single arm of n seeds the error is 4^-n; if that is too large, nothing counts, and it is 0.
    Source: Barnard 1945, Nature 156:177.
    """
    return _largest(chances_of_extremes(seeds), error, sides=1)


def _largest(table: Floats, error: float, *, sides: int = 2) -> Levels:
    """The largest levels within the error, from conditional probabilities [differences, bad]."""
    candidates = np.concatenate([[0.0], np.unique(np.round(table[table > 0], 12))])
    marks = table.shape[1] - 1
    binomial = _binomial(marks)

    def made(better: float, worse: float) -> float:
        counted = _counted(table, better) + (_counted(table, worse)[::-1] if sides == 2 else 0.0)
        return float(np.max(binomial @ counted))

    def largest(worse: float | None) -> float:
        fits = [0, len(candidates)]
        while fits[1] - fits[0] > 1:
            middle = sum(fits) // 2
            level = float(candidates[middle])
            fits[made(level, level if worse is None else worse) > error] = middle
        return float(candidates[fits[0]])

    worse = largest(None) if sides == 2 else 0.0
    better = largest(worse)
    return Levels(better, worse, made(better, worse))


def _counted(table: Floats, level: float) -> Floats:
    """[bad] probability that a difference counts at this level."""
    return np.asarray(np.max(np.where(table <= level + ROUNDING, table, 0.0), axis=0))


@lru_cache(maxsize=64)
def _binomial(marks: int) -> Floats:
    """[fractions, events] probability of this number of events, for true fractions from 0 to 1."""
    shares = np.linspace(0.0, 1.0, 401)[1:-1, None]
    count = np.arange(marks + 1)
    choose = np.array([float(comb(marks, each)) for each in range(marks + 1)])
    with np.errstate(under="ignore"):
        return np.asarray(choose * np.exp(count * np.log(shares) + (marks - count) * np.log1p(-shares)))
