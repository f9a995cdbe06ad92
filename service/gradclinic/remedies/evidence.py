"""How often each remedy cured a broken training of a kind, as `benchmark cures` counted.

A kind is a condition, the part of the training that its finding blames first, and the kind of network. Where too few
trainings of a kind were tried, those of all networks count. Those with another part to blame never do: what cures small
weights does not cure large steps.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from math import sqrt
from typing import TypedDict

from .base import Remedy
from .network import Network
from .pool import name_of, pool

ENOUGH = 3
"""Trainings of a kind from which on its own counts are used: of fewer, one success or failure decides the order."""
Kind = tuple[str, str, str]
"""Condition, first blame (empty if none), family of networks."""


@dataclass(frozen=True)
class Tally:
    """How many broken trainings a remedy cured, of those it was tried on."""

    cured: int
    tried: int

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.cured + other.cured, self.tried + other.tried)

    @property
    def least(self) -> float:
        """Lower end of the 95 % interval of the fraction cured; 0 if never tried. Source: Wilson 1927, JASA 22:209."""
        if not self.tried:
            return 0.0
        share, square = self.cured / self.tried, _Z * _Z / self.tried
        half = _Z * sqrt(share * (1 - share) / self.tried + square / (4 * self.tried))
        return (share + square / 2 - half) / (1 + square)


_Z = 1.96
NEVER = Tally(0, 0)


@dataclass(frozen=True)
class Evidence:
    """All counts, by kind of training and name of the remedy; and how many trainings of each kind there were."""

    counts: Mapping[Kind, Mapping[str, Tally]]
    trainings: Mapping[Kind, int]

    def of(self, condition: str, blames: Sequence[str], network: Network) -> Mapping[str, Tally]:
        """The counts of trainings of the same kind, by the remedy's name; empty if there is none."""
        if not blames:
            return self.of_condition(condition)
        exact = (condition, blames[0], network.family)
        length = 3 if self.trainings.get(exact, 0) >= ENOUGH else 2
        return _summed([counts for kind, counts in self.counts.items() if kind[:length] == exact[:length]])

    def of_condition(self, condition: str) -> Mapping[str, Tally]:
        """The counts of all kinds with a condition, by the remedy's name."""
        return _summed([counts for kind, counts in self.counts.items() if kind[0] == condition])


def _summed(counts: Sequence[Mapping[str, Tally]]) -> dict[str, Tally]:
    total: dict[str, Tally] = {}
    for each in counts:
        for name, tally in each.items():
            total[name] = total.get(name, NEVER) + tally
    return total


class Row(TypedDict):
    """The counts of one kind of training in the file; a remedy's name with how many it cured, and was tried on."""

    condition: str
    blames: str
    network: str
    trainings: int
    cured_of_tried: dict[str, tuple[int, int]]


@cache
def measured() -> Evidence:
    """The counts that come with this version."""
    text = resources.files(__package__).joinpath("cures.json").read_text()
    return from_rows(json.loads(text)["kinds"])


def from_rows(rows: Sequence[Row]) -> Evidence:
    """Counts from the rows of the file, one for each kind of training."""
    kinds = [(row["condition"], row["blames"], row["network"]) for row in rows]
    counts = [{name: Tally(*pair) for name, pair in row["cured_of_tried"].items()} for row in rows]
    trainings = [row["trainings"] for row in rows]
    return Evidence(dict(zip(kinds, counts, strict=True)), dict(zip(kinds, trainings, strict=True)))


def ranked(own: Sequence[Remedy], counts: Mapping[str, Tally], network: Network) -> tuple[Remedy, ...]:
    """The remedies that cured, most often first; then `own` ones that were tried in vain or never, in their order."""
    every = pool(network)
    names = [name for remedy in own if (name := name_of(remedy, network)) is not None]
    order = {name: index for index, name in enumerate(dict.fromkeys([*names, *every]))}
    cured = [name for name, tally in counts.items() if tally.cured and name in every]
    best = sorted(cured, key=lambda name: (-counts[name].least, order[name]))
    found = [every[name] for name in best]
    rest = [remedy for remedy in own if name_of(remedy, network) not in best]
    vain = [each for each in rest if counts.get(name_of(each, network) or "", NEVER).tried]
    return tuple(dict.fromkeys([*found, *vain, *(each for each in rest if each not in vain)]))
