import argparse
import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

from .changes import Change, changes
from .trial import Outcome, outcomes

PACKAGES = ("diagnosis", "comparison", "regression", "prescription", "theory", "remedies")
CHECKOUT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Draw mutations, run the tests on each, and print those that no test noticed, and the fractions."""
    parser = argparse.ArgumentParser(prog="benchmark mutations")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mutations", type=int, default=200, help="changes of what is computed; 0 is all of them")
    parser.add_argument("--boundaries", type=int, default=50, help="changes of `<` to `<=` and their like; 0 is all")
    parser.add_argument("--package", nargs="*", choices=PACKAGES, default=PACKAGES)
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds after which a change counts as noticed")
    parser.add_argument("--list", action="store_true", help="only list what would be tried")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    chosen = drawn(options.package, seed=options.seed, mutations=options.mutations, boundaries=options.boundaries)
    if options.list:
        print("\n".join(str(change) for change in chosen))
        return
    found = []
    for outcome in outcomes(CHECKOUT, chosen, processes=options.processes, timeout_s=options.timeout):
        found.append(outcome)
        if not options.json:
            print(f"{'noticed  ' if outcome.noticed else 'UNNOTICED'} {outcome.change}  {outcome.by}", flush=True)
    if options.json:
        print(json.dumps(rows(found)))
    else:
        print(summary(found))


def drawn(packages: Sequence[str], *, seed: int, mutations: int, boundaries: int) -> list[Change]:
    """So many changes of what is computed, and so many of boundaries, over all packages; 0 is all there are."""
    every = [change for package in packages for change in changes(CHECKOUT, package)]
    computed = [change for change in every if not change.boundary]
    moved = [change for change in every if change.boundary]
    draw = Random(seed)
    chosen = {*_sample(draw, computed, mutations), *_sample(draw, moved, boundaries)}
    return [change for change in every if change in chosen]


def _sample(draw: Random, changes: list[Change], count: int) -> list[Change]:
    return draw.sample(changes, min(count, len(changes))) if count else changes


def counts(found: Sequence[Outcome]) -> dict[tuple[str, bool], tuple[int, int]]:
    """By package and whether it is a boundary: how many were noticed, of how many."""
    tried = Counter((outcome.change.package, outcome.change.boundary) for outcome in found)
    noticed = Counter((outcome.change.package, outcome.change.boundary) for outcome in found if outcome.noticed)
    return {key: (noticed[key], count) for key, count in tried.items()}


def rows(found: Sequence[Outcome]) -> list[dict[str, object]]:
    """The fractions, as other benchmarks give theirs, and each change that went unnoticed."""
    fractions: list[dict[str, object]] = [
        {
            "benchmark": "mutations",
            "subject": package,
            "configuration": "boundary" if boundary else "computed",
            "value": round(noticed / tried, 3),
            "unit": "fraction noticed by the fast tests",
            "noise": 0.0,
        }
        for (package, boundary), (noticed, tried) in counts(found).items()
    ]
    unnoticed = [
        {
            "benchmark": "mutations",
            "subject": outcome.change.package,
            "configuration": str(outcome.change),
            "value": 0,
            "unit": "noticed",
            "noise": 0.0,
        }
        for outcome in found
        if not outcome.noticed
    ]
    return fractions + unnoticed


def summary(found: Sequence[Outcome]) -> str:
    """A line for each package, and one for all."""
    lines = []
    for boundary, what in ((False, "changes of what is computed"), (True, "moved boundaries")):
        parts = {package: count for (package, moved), count in counts(found).items() if moved == boundary}
        lines.append(f"\n{what}:")
        lines += [f"  {package:14} {noticed} of {tried} noticed" for package, (noticed, tried) in parts.items()]
        noticed, tried = (sum(count[index] for count in parts.values()) for index in (0, 1))
        if tried:
            lines.append(f"  {'all':14} {noticed} of {tried} noticed ({noticed / tried:.0%})")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
