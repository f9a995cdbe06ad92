"""The command: tries remedies, keeps a record, prints the counts and writes them into the product."""

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from benchmarks.prescription import wilson

import gradclinic.remedies
from gradclinic.diagnosis.rules import RULES
from gradclinic.diagnosis.suggestions import suggest
from gradclinic.prescription.random_remedy import random_remedy
from gradclinic.remedies import Remedy
from gradclinic.remedies.evidence import Kind, Tally
from gradclinic.remedies.network import Network
from gradclinic.remedies.pool import name_of

from .population import drawn
from .trials import Broken, applicable, broken, chosen, cures

TABLE = Path(gradclinic.remedies.__file__).with_name("cures.json")


@dataclass(frozen=True)
class Tried:
    """One line of the record: a broken training, and which remedies cured it. Without a kind, it was not broken.

    `cured` is by the remedy's name; for `--check`, by how the first remedy was chosen, and None where there is none.
    """

    seed: int
    index: int
    wrong: str
    kind: list[str] | None
    cured: dict[str, bool | None]


def main(arguments: Sequence[str] | None = None) -> None:
    """Try, count, and print or write."""
    parser = argparse.ArgumentParser(prog="benchmark cures")
    parser.add_argument("--seed", type=int, default=0, help="random seed of the broken trainings")
    parser.add_argument(
        "--size",
        type=int,
        default=96,
        help="number of trainings; those that learn are skipped",
    )
    parser.add_argument("--tries", type=int, help="maximum number of remedies for each; default: all that apply")
    parser.add_argument("--record", type=Path, help="store finished trainings in this file, and resume from it")
    parser.add_argument("--check", action="store_true", help="try only the first suggestions, before and after")
    parser.add_argument("--write", action="store_true", help="write the counts into the product")
    parser.add_argument("--json", action="store_true", help="print rows instead of text")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    done = _kept(options.record, seed=options.seed)
    for index in range(options.size):
        if index not in done:
            one = checked(index, seed=options.seed) if options.check else tried(index, options=options)
            done[index] = asdict(one)
            _keep(options.record, done[index], said=not options.json)
    rows = [done[index] for index in sorted(done) if index < options.size and done[index]["kind"]]
    if options.check:
        _show_check(rows, as_json=options.json)
        return
    table = counted(rows)
    if options.write:
        TABLE.write_text(as_file(table, seed=options.seed, size=options.size))
    print(json.dumps(table) if options.json else as_text(table))


def tried(index: int, *, options: argparse.Namespace) -> Tried:
    """Every chosen remedy on the training of this index."""
    wrong, experiment = drawn(index, seed=options.seed)
    sick = broken(experiment)
    if sick is None:
        return Tried(options.seed, index, wrong, None, {})
    found: dict[str, bool | None] = {
        name_of(remedy, sick.network) or "": cures(remedy, experiment)
        for remedy in chosen(sick, tries=options.tries, seed=index)
    }
    return Tried(options.seed, index, wrong, list(sick.kind), found)


def checked(index: int, *, seed: int) -> Tried:
    """The first suggestions on the training of this index."""
    wrong, experiment = drawn(index, seed=seed)
    sick = broken(experiment)
    if sick is None:
        return Tried(seed, index, wrong, None, {})
    first = {
        "by mechanism": next(iter(by_mechanism(sick)), None),
        "by evidence": next(iter(suggest(sick.diagnosis.findings[0], sick.record, experiment)), None),
        "at random": random_remedy(experiment, seed=index),
    }
    known: dict[Remedy, bool] = {}
    for remedy in first.values():
        if remedy is not None and remedy not in known:
            known[remedy] = cures(remedy, experiment)
    found = {how: None if remedy is None else known[remedy] for how, remedy in first.items()}
    return Tried(seed, index, wrong, list(sick.kind), found)


def by_mechanism(sick: Broken) -> list[Remedy]:
    """What the rule alone suggests for this training."""
    finding = sick.diagnosis.findings[0]
    rule = RULES[finding.condition]
    return applicable(sick.experiment, rule.remedies(finding, Network.recorded(sick.record)))


def counted(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The table that the product reads: for each kind of training, the cured and tried trainings of each remedy."""
    tallies: dict[Kind, dict[str, Tally]] = defaultdict(dict)
    trainings: Counter[Kind] = Counter()
    for row in rows:
        condition, blames, network = row["kind"]
        kind = (condition, blames, network)
        trainings[kind] += 1
        for name, cured in row["cured"].items():
            tallies[kind][name] = tallies[kind].get(name, Tally(0, 0)) + Tally(int(cured), 1)
    return [
        {
            "condition": kind[0],
            "blames": kind[1],
            "network": kind[2],
            "trainings": trainings[kind],
            "cured_of_tried": {
                name: [tally.cured, tally.tried]
                for name, tally in sorted(tallies[kind].items(), key=lambda item: (-item[1].least, item[0]))
            },
        }
        for kind in sorted(tallies)
    ]


def as_file(table: Sequence[dict[str, Any]], *, seed: int, size: int) -> str:
    """The table as the product reads it, one kind of training a line."""
    rows = ",\n".join(f"  {json.dumps(row)}" for row in table)
    return f'{{"seed": {seed}, "drawn": {size}, "kinds": [\n{rows}\n]}}\n'


def as_text(table: Sequence[dict[str, Any]]) -> str:
    """The best remedies for each kind of training."""
    lines = []
    for row in table:
        best = [f"{name} {cured}/{n}" for name, (cured, n) in list(row["cured_of_tried"].items())[:4] if cured]
        kind = f"{row['condition']}, {row['blames'] or 'nothing'} ({row['network']}), {row['trainings']} trainings"
        lines.append(f"{kind}: {'; '.join(best) or 'nothing cured it'}")
    return "\n".join(lines)


def _show_check(rows: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    measured = []
    for how in ("by mechanism", "by evidence", "at random"):
        outcomes = [bool(row["cured"].get(how)) for row in rows]
        low, high = wilson(sum(outcomes), len(outcomes))
        measured.append({"subject": how, "cured": sum(outcomes), "trainings": len(outcomes), "low": low, "high": high})
        if not as_json:
            print(f"first remedy {how}: {sum(outcomes)} of {len(outcomes)} cured ({low:.0%} to {high:.0%})")
    if as_json:
        print(json.dumps(measured))


def _kept(record: Path | None, *, seed: int) -> dict[int, dict[str, Any]]:
    if record is None or not record.exists():
        return {}
    rows = [json.loads(line) for line in record.read_text().splitlines()]
    return {row["index"]: row for row in rows if row["seed"] == seed}


def _keep(record: Path | None, row: dict[str, Any], *, said: bool) -> None:
    if record is not None:
        with record.open("a") as file:
            file.write(json.dumps(row) + "\n")
    if said:
        found = row["cured"]
        print(f"{row['index']:3} {row['wrong']:18} {row['kind'] or 'learns as it is'}", end=" ")
        print(f"{sum(map(bool, found.values()))} of {len(found)} cured it", flush=True)
