"""How many sick networks a prescription cures, and how many random remedies cure on the same seeds.

Every sick case of the project's own corpus gets a prescription within the budget; cases run side by side, one a core.
With --record, finished cases are kept in a file, and a search that was interrupted goes on with the others.
Usage: ./run benchmark prescription [--json] [--seconds 240 | --runs 48] [--processes N] [--record FILE] [NAME...]
"""

import argparse
import json
import os
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from math import sqrt
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from benchmarks.diagnosis.cases import Case, corpus

from gradclinic.comparison import RunResult
from gradclinic.diagnosis import diagnose
from gradclinic.measurements.metrics import metrics_of
from gradclinic.prescription import Budget, SearchTask, Trial, advance, report
from gradclinic_workers.train.fit import train


@dataclass(frozen=True)
class Prescribed:
    """The result of one case."""

    name: str
    expected: str
    ending: str
    cure: str | None
    simplest: str | None
    control_cured: int
    control_runs: int
    runs: int
    cpu_seconds: float


def trained(trial: Trial) -> RunResult:
    """The trial's result; its seconds are CPU seconds, so that other load does not shorten the search."""
    began = time.process_time()
    record = train(trial.experiment)
    metrics = metrics_of(record)
    seconds = time.process_time() - began
    diagnosis = diagnose(record, experiment=trial.experiment)
    return RunResult(trial.key, trial.arm, trial.seed, metrics=metrics, diagnosis=diagnosis, seconds=seconds)


def prescribed(case: Case, budget: Budget) -> Prescribed:
    """The whole search for one case."""
    torch.set_num_threads(1)
    task, results = SearchTask(case.experiment, budget=budget), {}
    while (state := advance(task, results)).waiting:
        results |= {trial.key: trained(trial) for trial in state.waiting}
    answer = report(state)
    cure, control = answer.cure, answer.control
    return Prescribed(
        name=case.name,
        expected=case.expected,
        ending=answer.ending or "",
        cure=cure.name if cure is not None else None,
        simplest=cure.simplest.name if cure is not None else None,
        control_cured=control.cured if control is not None else 0,
        control_runs=control.runs if control is not None else 0,
        runs=answer.spent.runs,
        cpu_seconds=answer.spent.seconds,
    )


def wilson(successes: int, trials: int, *, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a fraction. Source: Wilson 1927, JASA 22:209."""
    if not trials:
        return 0.0, 1.0
    share, square = successes / trials, z * z / trials
    middle, half = share + square / 2, z * sqrt(share * (1 - share) / trials + square / (4 * trials))
    return (middle - half) / (1 + square), (middle + half) / (1 + square)


def main() -> None:
    """Prescribe, print one line per case and the fractions."""
    parser = argparse.ArgumentParser(prog="benchmark prescription")
    parser.add_argument("names", nargs="*", help="cases; default: all sick ones")
    budgets = parser.add_mutually_exclusive_group()
    budgets.add_argument("--seconds", type=float, default=240.0, help="budget of each search, in seconds of training")
    budgets.add_argument("--runs", type=int, help="budget of each search, in runs; reproducible on any machine")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--record", type=Path, help="store finished cases in this file, and resume from it")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    budget = Budget(runs=options.runs) if options.runs else Budget(seconds=options.seconds)
    sick = {case.name: case for case in corpus() if case.expected != "healthy"}
    unknown = [name for name in options.names if name not in sick]
    if unknown:
        parser.error(f"no sick case is called {unknown[0]!r}; they are {', '.join(sick)}")
    names = options.names or list(sick)
    known = kept(options.record, budget)
    cases = [sick[name] for name in names if name not in known]
    found = [known[name] for name in names if name in known]
    if not options.json:
        for one in found:
            print(_line(one))
    with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool:
        for one in pool.map(prescribed, cases, [budget] * len(cases)):
            found.append(one)
            if options.record is not None:
                with options.record.open("a") as file:
                    file.write(json.dumps({"budget": budget.to_json(), **asdict(one)}) + "\n")
            if not options.json:
                print(_line(one), flush=True)
    print(json.dumps(_measurements(found, budget), indent=1) if options.json else _summary(found))


def kept(record: Path | None, budget: Budget) -> dict[str, Prescribed]:
    """The finished cases with this budget in a record file, by case."""
    if record is None or not record.exists():
        return {}
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    found = [Prescribed(**line) for line in lines if line.pop("budget") == budget.to_json()]
    return {one.name: one for one in found}


def _line(one: Prescribed) -> str:
    return (
        f"{one.name:32} {one.expected:24} {one.ending:10} control {one.control_cured}/{one.control_runs}  "
        f"{one.runs} runs, {one.cpu_seconds:.0f} s  {one.cure or ''}"
    )


def _shares(found: list[Prescribed]) -> dict[str, tuple[int, int]]:
    return {
        "prescription": (sum(one.ending == "cured" for one in found), len(found)),
        "random control": (sum(one.control_cured for one in found), sum(one.control_runs for one in found)),
    }


def _summary(found: list[Prescribed]) -> str:
    lines = []
    for subject, (cured, total) in _shares(found).items():
        low, high = wilson(cured, total)
        lines.append(f"{subject}: {cured} of {total} cured (95 % interval {low:.0%} to {high:.0%})")
    if found:
        cost = statistics.median(one.cpu_seconds for one in found)
        lines.append(f"{sum(one.runs for one in found)} runs in all; median cost {cost:.0f} s of training per search")
    return "\n".join(lines)


def _measurements(found: list[Prescribed], budget: Budget) -> list[dict[str, Any]]:
    limit = f"{budget.runs} runs" if budget.runs is not None else f"{budget.seconds:g} s"
    configuration = f"{len(found)} sick cases, {limit} each"
    shares = [
        {
            "benchmark": "prescription",
            "subject": subject,
            "configuration": configuration,
            "value": cured / total if total else None,
            "unit": "share cured",
            "noise": (wilson(cured, total)[1] - wilson(cured, total)[0]) / 2,
        }
        for subject, (cured, total) in _shares(found).items()
    ]
    costs = [
        {
            "benchmark": "prescription",
            "subject": one.name,
            "configuration": f"{one.ending}: {one.cure}",
            "value": one.cpu_seconds,
            "unit": "CPU seconds",
            "noise": None,
        }
        for one in found
    ]
    return shares + costs


if __name__ == "__main__":
    main()
