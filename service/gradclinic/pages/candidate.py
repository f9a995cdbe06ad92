"""The candidates of a search for a cure: remedies, last round, and remaining loss."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite

from ..comparison.arms import BASELINE, CONTROL
from ..kernel.json import JsonObject
from ..remedies.words import in_short
from ..store import RunSummary
from ..use_cases.prescription import ROUND
from . import filters
from .run_rows import condition_of

ROUNDS: Mapping[str, str] = {
    "diagnose": "The unchanged experiment",
    "screen": "First candidates, short runs of one seed",
    "improve": "Variations of the best, short runs of one seed",
    "race": "The best at full length, two seeds",
    "confirm": "Finalists, baseline and a random control on new seeds",
}


@dataclass(frozen=True)
class Candidate:
    """A combination of remedies, with its runs so far."""

    arm: str
    words: str
    remedies: Sequence[JsonObject]
    runs: Sequence[RunSummary]

    @property
    def reached(self) -> str:
        """The last round in which it was trained."""
        return max(map(round_of, self.runs), key=list(ROUNDS).index, default="screen")

    @property
    def last(self) -> Sequence[RunSummary]:
        """Its runs of that round."""
        return [run for run in self.runs if round_of(run) == self.reached]

    @property
    def found(self) -> str | None:
        """The condition of most of these runs; None until one has ended."""
        found = [name for run in self.last if (name := condition_of(run)) is not None]
        return max(found, key=found.count, default=None)

    @property
    def left(self) -> float | None:
        """Mean training loss of these runs relative to always predicting the average; None until one has ended."""
        left = [value for run in self.last if (value := loss_left(run)) is not None]
        return sum(left) / len(left) if left else None


def round_of(run: RunSummary) -> str:
    """The round of the search that a run belongs to, by its label; "screen" if people have changed that."""
    label = run.labels.get(ROUND, "")
    return label if label in ROUNDS else "screen"


def loss_left(run: RunSummary) -> float | None:
    """Training loss of a run relative to always predicting the average; infinite if it is not finite."""
    value = None if run.metrics is None else run.metrics.relative_train_loss
    if value is None:
        return None
    return float(value) if isfinite(float(value)) else inf


def candidates(trials: Mapping[str, RunSummary]) -> list[Candidate]:
    """The candidates of a search: those that reached the latest round first, then by remaining loss."""
    by_arm: dict[str, list[RunSummary]] = {}
    for key, run in trials.items():
        arm = key.rsplit("|", 2)[0]
        if arm not in (BASELINE, CONTROL):
            by_arm.setdefault(arm, []).append(run)
    found = [Candidate(arm, filters.remedies(runs[0].remedies), runs[0].remedies, runs) for arm, runs in by_arm.items()]
    order = list(ROUNDS)
    return sorted(found, key=lambda each: (-order.index(each.reached), inf if each.left is None else each.left))


def runs_of(trials: Mapping[str, RunSummary], arm: str) -> list[RunSummary]:
    """The runs of an arm, in all rounds and with all seeds."""
    return [run for key, run in trials.items() if key.rsplit("|", 2)[0] == arm]


def in_words(remedies: Sequence[JsonObject]) -> str:
    """Remedies in as few words as a figure has room for."""
    return " + ".join(in_short(remedy) for remedy in remedies)
