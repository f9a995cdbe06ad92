"""How many sick networks the search for a cure cures, and what remedies drawn by chance achieve on the same seeds.

Every sick case of the project's own corpus gets a prescription within the budget; cases run side by side, one a core.
Usage: ./run benchmark prescription [--json] [--seconds 240] [--processes N] [NAME...]
"""

import argparse
import json
import os
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from math import sqrt
from multiprocessing import get_context
from typing import Any

import torch
from benchmarks.diagnosis.cases import Case, corpus

from gradclinic.comparison import RunResult, metrics_of
from gradclinic.diagnosis import diagnose, to_json
from gradclinic.prescription import Budget, Problem, Trial, advance, report
from gradclinic_workers.fit import train


@dataclass(frozen=True)
class Prescribed:
    """What came of one case."""

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
    """The trial's result; its seconds are those of the processor, so that neighbours do not shorten the search."""
    began = time.process_time()
    record = train(trial.experiment)
    metrics = metrics_of(record) | {"train_seconds": time.process_time() - began, "recording_seconds": 0.0}
    diagnosis = to_json(diagnose(record, experiment=trial.experiment))
    return RunResult(trial.key, trial.arm, trial.seed, metrics=metrics, diagnosis=diagnosis)


def prescribed(case: Case, seconds: float) -> Prescribed:
    """The whole search for one case."""
    torch.set_num_threads(1)
    problem, results = Problem(case.experiment, budget=Budget(seconds=seconds)), {}
    while (progress := advance(problem, results)).waiting:
        results |= {trial.key: trained(trial) for trial in progress.waiting}
    answer = report(progress)
    cure, control = answer["cure"] or {}, answer["control"] or {}
    return Prescribed(
        name=case.name,
        expected=case.expected,
        ending=answer["ending"],
        cure=cure.get("name"),
        simplest=cure.get("simplest", {}).get("name"),
        control_cured=control.get("cured", 0),
        control_runs=control.get("runs", 0),
        runs=answer["spent"]["runs"],
        cpu_seconds=answer["spent"]["seconds"],
    )


def wilson(successes: int, trials: int, *, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a share. Source: Wilson 1927, JASA 22:209."""
    if not trials:
        return 0.0, 1.0
    share, square = successes / trials, z * z / trials
    middle, half = share + square / 2, z * sqrt(share * (1 - share) / trials + square / (4 * trials))
    return (middle - half) / (1 + square), (middle + half) / (1 + square)


def main() -> None:
    """Prescribe, print a line a case and the shares."""
    parser = argparse.ArgumentParser(prog="benchmark prescription")
    parser.add_argument("names", nargs="*", help="cases; all sick ones by default")
    parser.add_argument("--seconds", type=float, default=240.0, help="budget of each search, in seconds of training")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    sick = {case.name: case for case in corpus() if case.expected != "healthy"}
    unknown = [name for name in options.names if name not in sick]
    if unknown:
        parser.error(f"no sick case is called {unknown[0]!r}; they are {', '.join(sick)}")
    cases = [sick[name] for name in options.names or sick]
    found = []
    with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool:
        for one in pool.map(prescribed, cases, [options.seconds] * len(cases)):
            found.append(one)
            if not options.json:
                print(
                    f"{one.name:28} {one.expected:24} {one.ending:10} control {one.control_cured}/{one.control_runs}  "
                    f"{one.runs} runs, {one.cpu_seconds:.0f} s  {one.cure or ''}",
                    flush=True,
                )
    print(json.dumps(_measurements(found, options.seconds), indent=1) if options.json else _summary(found))


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
        lines.append(f"median cost {statistics.median(one.cpu_seconds for one in found):.0f} s of training a search")
    return "\n".join(lines)


def _measurements(found: list[Prescribed], seconds: float) -> list[dict[str, Any]]:
    configuration = f"{len(found)} sick cases, {seconds:g} s each"
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
