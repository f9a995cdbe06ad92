"""How `./run benchmark jobs` counts, by runs whose times are known."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from benchmarks.jobs.phases import Stopwatch
from benchmarks.jobs.throughput import rate, shares_of

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def run(number: int, *, start_s: float, end_s: float, trained_s: float = 0.0, recorded_s: float = 0.0) -> Any:
    return SimpleNamespace(
        id=f"run_{number}",
        started_at=BEGIN + timedelta(seconds=start_s),
        ended_at=BEGIN + timedelta(seconds=end_s),
        outcome=SimpleNamespace(train_seconds=trained_s, recording_seconds=recorded_s),
    )


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_workers_in_step_are_as_many_times_faster_and_the_last_runs_do_not_count(workers: int) -> None:
    ends = [BEGIN + timedelta(seconds=i // workers + 1) for i in range(12)]
    assert rate(ends, workers) == pytest.approx(60 * workers)


def test_the_shares_of_the_workers_time_add_up_and_a_gap_between_runs_is_one() -> None:
    ended = [
        run(1, start_s=0, end_s=4, trained_s=2, recorded_s=1),
        run(2, start_s=5, end_s=10, trained_s=3, recorded_s=1),
        run(3, start_s=100, end_s=110, trained_s=10),
    ]
    shares = shares_of(ended, {"run_1": "a", "run_2": "a", "run_3": "b"})
    assert shares == pytest.approx({"trained": 15 / 20, "recorded": 2 / 20, "other": 2 / 20, "between": 1 / 20})


def test_a_phase_inside_another_counts_for_itself_alone() -> None:
    clock = iter([(0.0, 0.0), (1.0, 0.5), (5.0, 3.5), (6.0, 4.0)])  # outer begins, inner begins, inner and outer end

    class Work:
        def outer(self) -> None:
            self.inner()

        def inner(self) -> None:
            pass

    watch, work = Stopwatch(lambda: next(clock)), Work()
    watch.around(work, "inner", "inner")
    watch.around(work, "outer", "outer")
    work.outer()
    assert watch.seconds == {"inner": (4.0, 3.0), "outer": (2.0, 1.0)}


@pytest.mark.slow
@pytest.mark.timeout(600)  # it starts a service for each number of workers, and other tests run beside it
def test_it_measures_a_real_service(checkout: Path) -> None:
    asked = ["--json", "--steps", "20", "--workers", "1", "2", "--repeats", "1"]
    finished = subprocess.run(
        [sys.executable, "-m", "benchmarks", "jobs", *asked],
        capture_output=True, text=True, check=True, cwd=checkout,
    )  # fmt: skip
    rows = json.loads(finished.stdout)
    (ratio,) = [row for row in rows if row["subject"] == "throughput"]
    assert ratio["value"] > 0
    for workers in ("1 worker", "2 workers"):
        mine = [row for row in rows if row["configuration"] == f"sqlite, 20 steps, {workers}"]
        assert sum(row["value"] for row in mine if row["unit"].startswith("fraction")) == pytest.approx(1, abs=0.001)
