"""The command: trains, judges, prints a confusion matrix and the figures of each rule set, or JSON."""

import argparse
import json
import statistics
from collections.abc import Sequence

import torch
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from gradclinic.diagnosis import RULE_SETS

from .borderline import borderline
from .cases import Case, corpus
from .generate import fresh
from .measure import Judged, alarms_by_condition, confusion, false_alarms, judge_all, right, wilson
from .reliability import Said, gap, table
from .sound import sound
from .wild import report as wild

SHORT = {
    "vanishing_gradients": "vanish",
    "exploding_gradients": "explode",
    "dead_units": "dead",
    "saturated_activations": "satur.",
    "divergence": "diverge",
    "oscillating_loss": "oscill.",
    "slow_convergence": "slow",
    "healthy": "healthy",
    "insufficient_evidence": "unknown",
}
"""Conditions, in the matrix's order, by names that fit a terminal."""
Row = dict[str, str | float]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(prog="benchmark diagnosis", description=__doc__)
    parser.add_argument("--fresh", type=int, default=116, help="fresh random experiments")
    parser.add_argument("--borderline", type=int, default=32, help="experiments near a boundary or with one bad layer")
    parser.add_argument("--healthy", type=int, default=76, help="experiments of every kind that train well")
    parser.add_argument("--no-corpus", action="store_true", help="leave the fixed cases out")
    parser.add_argument("--seed", type=int, default=0, help="random seed of the fresh experiments")
    parser.add_argument("--wild", action="store_true", help="instead: typical PyTorch programs and their faults")
    parser.add_argument("--only", nargs="*", default=(), help="only these programs")
    parser.add_argument("--json", action="store_true", help="print rows instead of tables")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if options.wild:
        _show_wild(options.only, seed=options.seed, as_json=options.json)
        return
    groups: dict[str, list[Case]] = {
        "fixed cases": [] if options.no_corpus else corpus(),
        f"fresh, seed {options.seed}": fresh(options.fresh, seed=options.seed),
        f"healthy, seed {options.seed}": sound(options.healthy, seed=options.seed),
        f"borderline, seed {options.seed}": borderline(options.borderline, seed=options.seed),
    }
    console = Console(stderr=options.json)
    results = _measured({name: cases for name, cases in groups.items() if cases}, console)
    if options.json:
        print(json.dumps([row for name, rows in results.items() for row in figures(name, rows)], indent=1))
        return
    for name, rows in results.items():
        show(console, name, rows)


def _show_wild(only: Sequence[str], *, seed: int, as_json: bool) -> None:
    console = Console(stderr=as_json)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("training", total=None)
        told = wild.tell_all(only, seed=seed, tick=lambda: progress.advance(task))
    if as_json:
        print(json.dumps(wild.figures(told), indent=1))
        return
    table = Table(title=f"Typical programs, seed {seed}")
    for column in ("what", "of", "value", "unit", "interval"):
        table.add_column(column)
    for row in wild.figures(told):
        table.add_row(
            str(row["subject"]), str(row["configuration"]), f"{row['value']:.2f}", str(row["unit"]), str(row["noise"])
        )
    console.print(table)
    for line in wild.missed(told):
        console.print(f"  {line}")


def _measured(groups: dict[str, list[Case]], console: Console) -> dict[str, list[Judged]]:
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("training", total=sum(len(case.seeds) for cases in groups.values() for case in cases))
        return {name: list(judge_all(cases, tick=lambda: progress.advance(task))) for name, cases in groups.items()}


def figures(name: str, rows: Sequence[Judged]) -> list[Row]:
    """The figures of one group of runs: accuracy, false alarms, time to detection, culprits."""
    found: list[Row] = []

    def add(subject: str, value: float, unit: str, noise: str = "") -> None:
        configuration = f"{name}, {len(rows)} runs"
        found.append(
            {
                "benchmark": "diagnosis",
                "subject": subject,
                "configuration": configuration,
                "value": value,
                "unit": unit,
                "noise": noise,
            }
        )

    for rule_set in RULE_SETS:
        hits = right(rows, rule_set=rule_set)
        low, high = wilson(hits, len(rows))
        add(f"accuracy, rule set {rule_set}", hits / len(rows), "fraction", f"95 %: {low:.3f} to {high:.3f}")
        alarms, healthy = false_alarms(rows, rule_set=rule_set)
        if healthy:
            low, high = wilson(alarms, healthy)
            interval = f"95 %: {low:.3f} to {high:.3f}, {healthy} healthy"
            add(f"false alarms, rule set {rule_set}", alarms / healthy, "fraction", interval)
    for (condition, severity), (as_primary, beside) in alarms_by_condition(rows).items():
        healthy = false_alarms(rows, rule_set="1")[1]
        low, high = wilson(as_primary, healthy)
        add(
            f"healthy called {condition} ({severity})",
            as_primary / healthy,
            "fraction",
            f"95 %: {low:.3f} to {high:.3f}; a finding beside healthy in {beside}",
        )
    said = [
        Said(row.confidence, row.case.accepts(row.primary["1"]))
        for row in rows
        if row.primary["1"] != "insufficient_evidence"
    ]
    found += table(said, configuration=name)
    add("confidence above the fraction right, mean", gap(said), "fraction")
    steps = [row.detected_at for row in rows if row.detected_at is not None]
    if steps:
        add("time to detection, median", statistics.median(steps), "steps", f"{len(steps)} sick runs; looks from 20 on")
    planted = [row for row in rows if row.case.culprit is not None]
    if planted:
        near = sum(row.culprit_error is not None and row.culprit_error <= 1 for row in planted)
        add("culprit named within one layer", near / len(planted), "fraction", f"{near} of {len(planted)}")
    return found


def show(console: Console, name: str, rows: Sequence[Judged]) -> None:
    """Confusion matrix, figures and misses of one group."""
    counts = confusion(rows, rule_set="1")
    columns = [condition for condition in SHORT if any(called == condition for _, called in counts)]
    matrix = Table(
        title=f"{name}: {len(rows)} runs, our rules",
        caption="rows: what it is; columns: its name",
        box=SIMPLE,
        padding=(0, 1, 0, 0),
    )
    matrix.add_column("", no_wrap=True)
    for column in columns:
        matrix.add_column(SHORT[column], justify="right", no_wrap=True)
    for expected, short in SHORT.items():
        cells = [counts.get((expected, column), 0) for column in columns]
        if any(cells):
            matrix.add_row(short, *(str(cell) if cell else "." for cell in cells))
    console.print(matrix)
    shown = Table(title=f"{name}: figures")
    for column in ("what", "value", "unit", "interval"):
        shown.add_column(column)
    for row in figures(name, rows):
        shown.add_row(str(row["subject"]), f"{row['value']:.3g}", str(row["unit"]), str(row["noise"]))
    console.print(shown)
    for judged in rows:
        if not judged.case.accepts(judged.primary["1"]):
            console.print(f"  missed {judged.case.name}, seed {judged.seed}: {judged.case.expected}. {judged.summary}")
        if judged.culprit_missed:
            console.print(f"  {judged.case.name}, seed {judged.seed}: the planted layer is not named")
