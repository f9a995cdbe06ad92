"""How often a sound training loop of a user's own is called sick: loops of many kinds, drawn at random and recorded.

25 tasks (rows, pictures, series, words, graphs) with models, losses, optimizers, schedules, batches, accumulation,
clipping and precisions as people use them. A loop is sound if it learned by its own score of samples that were held
out, which no rule sees; the others are not counted. `--seed`: the rules are only judged by one that was never used.
Usage: ./run benchmark loops [--loops N] [--seed N] [--json]
"""

import argparse
import json
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count

import torch

from ..diagnosis.measure import wilson
from .loop import Seen, trained

LEARNED = 0.6
"""Score from which a loop counts as sound: 0 is as good as a constant, 1 as good as the task allows."""


def loops(sound: int, *, seed: int) -> Iterator[Seen]:
    """Loops of all tasks in turn, until so many of them learned."""
    found = 0
    for number in count():
        if found >= sound:
            return
        seen = trained(number, seed=seed)
        found += seen.score >= LEARNED
        yield seen


def rows_of(seen: Sequence[Seen]) -> list[dict[str, object]]:
    """The fraction of sound loops with an alarm, by condition, and of those without a verdict."""
    sound = [each for each in seen if each.score >= LEARNED]
    alarms = Counter(condition for each in sound for condition in each.alarms)
    unknown = sum(each.primary == "insufficient_evidence" for each in sound)
    counted = {
        "called sick": sum(bool(each.alarms) for each in sound),
        "called healthy": sum(each.primary == "healthy" for each in sound),
        "insufficient evidence": unknown,
        **{f"told of {condition}": number for condition, number in sorted(alarms.items())},
    }
    rows: list[dict[str, object]] = []
    for subject, number in counted.items():
        low, high = wilson(number, len(sound))
        rows.append(
            {
                "benchmark": "loops",
                "subject": subject,
                "configuration": f"{number} of {len(sound)} sound ones, of {len(seen)} loops",
                "value": number / max(len(sound), 1),
                "unit": "fraction",
                "noise": f"95 %: {low:.3f} to {high:.3f}",
            }
        )
    return rows


def main() -> None:
    """Print what was found."""
    parser = argparse.ArgumentParser(prog="./run benchmark loops", description=__doc__)
    parser.add_argument("--loops", type=int, default=150, help="sound ones; 150 by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    seen = []
    for each in loops(given.loops, seed=given.seed):
        seen.append(each)
        said = f"{', '.join(each.alarms)}. {each.summary}" if each.alarms else each.primary
        print(f"{each.number} {each.task}, score {each.score:.2f}: {said}", file=sys.stderr)
    rows = rows_of(seen)
    if given.json:
        print(json.dumps(rows))
    for row in () if given.json else rows:
        print(f"{row['subject']}: {row['configuration']}, {row['value']:.1%}, {row['noise']}")
