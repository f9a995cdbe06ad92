"""What a stored run takes in the database file: bytes for each measured value, and which table they are in.

One run is trained by the service's own loop and stored as a worker stores it, once for each `--runs`, in windows of a
second of training; then its rows are merged as at a run's end, and SQLite's file is made compact. A second file with as
many runs, stored in the other order of windows, is the noise.
Usage: ./run benchmark storage [--json] [--runs N] [--steps N]
"""

import argparse
import json
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gradclinic.diagnosis import Diagnosis, diagnose
from gradclinic.experiments.experiment import Experiment
from gradclinic.measurements.record import RunRecord, Series
from gradclinic.store import NewRun, Reason, Store, migrate
from gradclinic_workers.train.fit import train

RUNS, STEPS, WINDOW_STEPS = 40, 300, 50
EXPERIMENT = {
    "model": {
        "kind": "mlp",
        "depth": 30,
        "width": 32,
        "activation": "relu",
        "initialization": {"scheme": "kaiming_normal"},
    },
    "data": {"kind": "digits"},
    "optimizer": {"kind": "adam", "learning_rate": 0.001},
}


def main() -> None:
    """Print bytes by table, for each value."""
    parser = argparse.ArgumentParser(prog="benchmark storage", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--steps", type=int, default=STEPS)
    asked = parser.parse_args()
    experiment = Experiment.model_validate(EXPERIMENT | {"training": {"steps": asked.steps, "batch_size": 64}})
    record = train(experiment)
    values = asked.runs * sum(series.values.size for series in record.series.values())
    with tempfile.TemporaryDirectory() as folder:
        first, again = (
            sizes_of(stored(Path(folder) / f"{name}.db", experiment, record, runs=asked.runs, window=window))
            for name, window in (("first", WINDOW_STEPS), ("again", WINDOW_STEPS // 2))
        )
    rows = list(_rows(first, again, values=values, asked=asked))
    if asked.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{asked.runs} runs of {asked.steps} steps, {values // asked.runs:,} values each\n")
    print("| | bytes a value | in the second file |")
    print("|---|---|---|")
    for row in rows:
        print(f"| {row['subject']} | {row['value']:.3f} | {row['value'] + row['noise']:.3f} |")


def _rows(
    first: Mapping[str, int], again: Mapping[str, int], *, values: int, asked: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    for name, size in sorted(first.items(), key=lambda item: -item[1]):
        yield {
            "benchmark": "storage",
            "subject": name,
            "configuration": f"{asked.runs} runs of {asked.steps} steps",
            "value": round(size / values, 4),
            "unit": "bytes a value",
            "noise": round((again.get(name, 0) - size) / values, 4),
        }


def stored(path: Path, experiment: Experiment, record: RunRecord, *, runs: int, window: int) -> Path:
    """A database with this many runs of this record, which were stored in windows of so many steps."""
    url = f"sqlite:///{path}"
    migrate.upgrade(url)
    store = Store(url)
    document = experiment.to_json()
    diagnosis = diagnose(record)
    for seed in range(runs):
        run = store.runs.create(
            NewRun(experiment=document, resolved_experiment=document, digest=str(seed), seed=seed, steps=record.steps)
        ).item
        train_stored(store, run.id, record, diagnosis, window=window)
    store.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def train_stored(store: Store, run_id: str, record: RunRecord, diagnosis: Diagnosis, *, window: int) -> None:
    """Give a queued run this record and this diagnosis as a worker does, in windows of so many steps."""
    lease = store.leases.claim(run_id, owner="benchmark/1/1", ttl_s=3600)
    if lease is None:
        raise TypeError("another process took the run")
    store.leases.save_layout(lease, record.layout, environment=dict(record.environment))
    for start in range(0, record.steps + 1, window):
        part = {name: _within(series, start, start + window) for name, series in record.series.items()}
        store.leases.save_window(lease, step=min(start + window, record.steps), series=part)
    store.leases.finish(
        lease,
        status="succeeded",
        reason=Reason("trained", "all steps are done"),
        record=replace(record, series=dict(record.series)),
        diagnosis=diagnosis,
    )


def _within(series: Series, start: int, stop: int) -> Series:
    kept = (series.steps >= start) & (series.steps < stop)
    return Series(np.ascontiguousarray(series.steps[kept]), np.ascontiguousarray(series.values[kept]))


def sizes_of(path: Path) -> dict[str, int]:
    """Bytes of the file, and of each table with its indexes that takes more than a thousandth of it."""
    with closing(sqlite3.connect(path)) as connection:
        pages = connection.execute(
            "SELECT coalesce(s.tbl_name, d.name), sum(d.pgsize) FROM dbstat d"
            " LEFT JOIN sqlite_schema s ON s.name = d.name GROUP BY 1"
        ).fetchall()
    total = path.stat().st_size
    found: Counter[str] = Counter({"the whole file": total})
    for table, size in pages:
        found[f"table {table}" if size > total / 1000 else "other tables"] += int(size)
    return dict(found)
