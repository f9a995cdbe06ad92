"""Real architectures as they are and with three faults: the rate times 1000, initial weights times .01 and times 10.

For each: whether weights are equal bit for bit with a recording and without, whether a sound training is called sick,
and whether a fault that kept it from learning is named, and its part among the first three. A network has learned if
its loss fell to half of the best constant's, whatever was changed. A network that a library does not have is skipped
with the reason.
Usage: ./run benchmark architectures [--json] [--steps N] [--network WORD] [--tuned]
"""

import argparse
import json
import sys
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import get_args

import torch
from tests.recorder.architectures import STEPS, Architecture, Fault, train
from tests.recorder.loops import same, weights_of
from tests.torchvision_build import make_importable

from gradclinic.kernel.vocabulary import Blame

from ..diagnosis.measure import wilson
from .networks import OTHERS, TUNED_ON

PARTS: Mapping[Fault, tuple[Blame, ...]] = {
    "rate": ("learning_rate",),
    "small": ("initialization",),
    "large": ("initialization",),
}
"""What is to blame for each fault."""
LEARNED = 0.5
"""Part of the loss of the best constant up to which a network has learned."""
EQUAL_STEPS = 4
"""Steps after which weights are compared."""


@dataclass(frozen=True)
class Row:
    """One training."""

    network: str
    fault: Fault
    left: float | None
    """The last loss as a part of the best constant's; None if it is not finite."""
    equal: bool | None
    """Whether weights are equal with a recording and without; None where they were not compared."""
    sick: bool
    """Whether a finding does harm."""
    primary: str
    blames: tuple[Blame, ...]
    """Of the findings that do harm, in their order."""

    @property
    def learned(self) -> bool:
        """Whether the training ended well, whatever the diagnosis says."""
        return self.left is not None and self.left <= LEARNED

    @property
    def part_named(self) -> bool:
        """Whether the part at fault is among the first three that are blamed."""
        return bool(set(self.blames[:3]) & set(PARTS.get(self.fault, ())))


def measure(name: str, architecture: Architecture, *, steps: int) -> Iterator[Row]:
    """The sound training and those with a fault."""
    for fault in get_args(Fault):
        equal = _is_equal(architecture) if fault == "none" else None
        _, recording = train(architecture, fault=fault, steps=steps)
        assert recording is not None  # it was asked for
        diagnosis, outcome = recording.diagnosis(), recording.record.outcome
        left = None if outcome is None else outcome.final_train_loss / architecture.constant_loss
        harmful = [finding for finding in diagnosis.findings if finding.harm]
        blames = tuple(dict.fromkeys(blame for finding in harmful for blame in finding.blames))
        finite = left is not None and left < float("inf")
        yield Row(name, fault, left if finite else None, equal, bool(harmful), diagnosis.primary, blames)


def _is_equal(architecture: Architecture) -> bool:
    recorded, _ = train(architecture, steps=EQUAL_STEPS)
    plain, _ = train(architecture, steps=EQUAL_STEPS, record=False)
    return same(weights_of(recorded), weights_of(plain))


def counts(rows: Sequence[Row]) -> dict[str, tuple[int, int]]:
    """How many of how many, by what is counted."""
    sound = [row for row in rows if row.fault == "none"]
    found = {
        "weights equal with a recording and without": (sum(row.equal is True for row in sound), len(sound)),
        "called sick although it learned, without a fault": (
            sum(row.sick for row in sound if row.learned),
            sum(row.learned for row in sound),
        ),
    }
    for fault in PARTS:
        failed = [row for row in rows if row.fault == fault and not row.learned]
        found[f"{fault}: called sick where it did not learn"] = (sum(row.sick for row in failed), len(failed))
        found[f"{fault}: the part among the first three"] = (sum(row.part_named for row in failed), len(failed))
    return found


def show(rows: Sequence[Row]) -> None:
    """Print the counts and what is not right as Markdown."""
    print("| of trainings | counted | fraction, 95 % interval |\n|---|---|---|")
    for what, (count, of) in counts(rows).items():
        low, high = wilson(count, of)
        print(f"| {what} | {count} of {of} | {low:.2f} to {high:.2f} |")
    print("\n| network | fault | loss left | primary | blamed |\n|---|---|---|---|---|")
    for row in rows:
        wrong = (row.sick or row.equal is False) if row.fault == "none" else not row.learned and not row.part_named
        if wrong:
            left = "not finite" if row.left is None else f"{row.left:.2f}"
            print(f"| {row.network} | {row.fault} | {left} | {row.primary} | {', '.join(row.blames[:3])} |")


def main() -> None:
    """Print the counts, or all rows as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--network", default="", help="only networks whose name contains this word")
    parser.add_argument("--tuned", action="store_true", help="also those of the tests, which the rules were tuned on")
    options = parser.parse_args()
    make_importable()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    chosen = {**(TUNED_ON if options.tuned else {}), **OTHERS}
    chosen = {name: each for name, each in chosen.items() if options.network in name}
    rows: list[Row] = []
    for number, (name, architecture) in enumerate(chosen.items(), start=1):
        began = time.process_time()
        try:
            rows += measure(name, architecture, steps=options.steps)
            what = f"{time.process_time() - began:.0f} s"
        except Exception as error:  # noqa: BLE001  # a library may lack a network, or want other arguments
            what = f"skipped: {type(error).__name__}: {str(error)[:200]}"
        print(f"{number} of {len(chosen)}: {name}, {what}", file=sys.stderr)
    if options.json:
        print(json.dumps([asdict(row) for row in rows]))
    else:
        show(rows)


if __name__ == "__main__":
    main()
