"""The printed figures: medians over the repeats, with half their range as noise."""

import statistics
from itertools import pairwise
from typing import Any

from .phases import phases
from .throughput import Block


def measurements(blocks: list[Block], kind: str) -> list[dict[str, Any]]:
    """The medians over the repeats, and the ratios between numbers of workers, each within its repeat."""
    rows = []
    for steps in sorted({block.steps for block in blocks}):
        rates: dict[int, list[float]] = {}
        bare: dict[int, list[float]] = {}
        for workers in sorted({block.workers for block in blocks}):
            mine = [block for block in blocks if (block.steps, block.workers) == (steps, workers)]
            rates[workers] = [block.runs_a_minute for block in mine]
            bare[workers] = [block.bare_runs_a_minute for block in mine]
            share = [
                with_service / without for with_service, without in zip(rates[workers], bare[workers], strict=True)
            ]
            where = f"{kind}, {steps} steps, {workers} worker{'s' * (workers > 1)}"
            columns = {
                "runs": (rates[workers], "runs per minute"),
                "bare processes": (bare[workers], "runs per minute"),
                "service / bare": (share, "ratio"),
                "CPU time": ([block.cpu_seconds_a_run for block in mine], "CPU seconds per run"),
                "training steps": ([block.trained for block in mine], "fraction of the workers' time"),
                "recording": ([block.recorded for block in mine], "fraction of the workers' time"),
                "build, evaluate, store, judge": ([block.other for block in mine], "fraction of the workers' time"),
                "between two runs": ([block.between for block in mine], "fraction of the workers' time"),
                "other programs": ([block.others_cores for block in mine], "busy cores"),
            }
            rows += [_row(subject, where, values, unit) for subject, (values, unit) in columns.items()]
        counts = sorted(rates)
        for fewer, more in pairwise(counts):
            where = f"{kind}, {steps} steps, {more} workers against {fewer}"
            for subject, found in (("throughput", rates), ("throughput of bare processes", bare)):
                ratios = [many / few for few, many in zip(found[fewer], found[more], strict=True)]
                rows.append(_row(subject, where, ratios, "ratio"))
    return rows


def _row(subject: str, configuration: str, values: list[float], unit: str) -> dict[str, Any]:
    return {
        "benchmark": "jobs",
        "subject": subject,
        "configuration": configuration,
        "value": round(statistics.median(values), 4),
        "unit": unit,
        "noise": round((max(values) - min(values)) / 2, 4),
    }


def phase_rows(kind: str, steps: list[int], *, runs: int) -> list[dict[str, Any]]:
    """The phases of one run, for each number of steps."""
    rows = []
    for number in steps:
        found = phases(kind, steps=number, runs=runs)
        for phase, (clock, cpu) in sorted(found.items(), key=lambda item: -item[1][1]):
            where = f"{kind}, {number} steps, one process"
            rows.append(_row(phase, where, [1000 * clock], "ms per run"))
            rows.append(_row(phase, where, [1000 * cpu], "CPU ms per run"))
    return rows
