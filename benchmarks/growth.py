"""Whether lists, filters and metrics are as fast with many stored runs as with few.

Three databases have runs with documents of the usual size: one with few, another one with as many (whose ratio
to the first is the noise), and one with many. Each query is timed on all three in turn, in one process.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import psycopg
from sqlalchemy import insert, text
from tests.servers import Postgres

from gradclinic.kernel.status import RunStatus
from gradclinic.store import NewRun, Store, migrate
from gradclinic.store import tables as t
from gradclinic.store.rows import new_run_values

FEW, MANY, ROUNDS = 200, 20_000, 30
BATCH = 500
SHARE = 4
"""One in so many runs meets a filter, so that few runs fill a page, too."""
EXPERIMENT = {
    "model": {"kind": "mlp", "depth": 30, "width": 64, "activation": "sigmoid"},
    "data": {"kind": "digits"},
    "optimizer": {"kind": "sgd", "learning_rate": 0.1},
}
DOCUMENT_CHARACTERS, LAYOUT_CHARACTERS = 3_600, 13_800
"""Of the documents in a listed run, and of its layout, as measured for an MLP of 30 layers."""
QUERIES: dict[str, Callable[[Store], object]] = {
    "newest 50, full": lambda s: s.runs.page(),
    "newest 50, summary": lambda s: s.runs.listed(),
    "by status": lambda s: s.runs.listed(status="failed"),
    "by condition": lambda s: s.runs.listed(condition="dead_units"),
    "by finding": lambda s: s.runs.listed(finding="slow_convergence"),
    "by label": lambda s: s.runs.listed(labels={"team": "vision"}),
    "by source": lambda s: s.runs.listed(source="own"),
    "sorted by loss": lambda s: s.runs.listed(sort="final_train_loss"),
    "sorted by duration, descending": lambda s: s.runs.listed(sort="-duration_s"),
    "metrics": lambda s: s.vitals(seen_within_s=60),
    "search that finds many": lambda s: s.runs.listed(search="sigmoid"),
    "search that finds none": lambda s: s.runs.listed(search="transformer"),
    "total": lambda s: s.runs.total(),
}
"""The last two read an index entry of each run, so they grow: to 24 ms and 2 ms with 20,000 runs."""


def main() -> None:
    """Print the ratio of each query's time with many runs to that with few."""
    parser = argparse.ArgumentParser(prog="benchmark growth", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--few", type=int, default=FEW)
    parser.add_argument("--many", type=int, default=MANY)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    with databases(asked.database) as new_url:
        stores = [filled(new_url(), runs) for runs in (asked.few, asked.few, asked.many)]
        rows = [row for name, query in QUERIES.items() for row in measured(name, query, stores, asked)]
        for store in stores:
            store.close()
    if asked.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"| query | ms with {asked.few:,} runs | ratio with {asked.many:,} | ratio of the second {asked.few:,} |")
    print("|---|---|---|---|")
    for few, ratio in zip(rows[::2], rows[1::2], strict=True):
        print(f"| {few['subject']} | {few['value']:.2f} | {ratio['value']:.2f} | {ratio['noise']:.2f} |")


@contextmanager
def databases(kind: str) -> Iterator[Callable[[], str]]:
    """Makes addresses of new, empty databases."""
    numbers = count()
    if kind == "postgresql":
        server = Postgres()
        server.start()
        try:
            yield lambda: _created(server, f"growth_{next(numbers)}")
        finally:
            server.close()
        return
    with tempfile.TemporaryDirectory() as folder:
        yield lambda: f"sqlite:///{folder}/{next(numbers)}.db"


def _created(server: Postgres, name: str) -> str:
    with psycopg.connect(host="127.0.0.1", port=server.port, user="postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')  # type: ignore[call-overload]  # not literal
    return server.url(name)


def measured(
    name: str, query: Callable[[Store], object], stores: list[Store], asked: argparse.Namespace
) -> list[dict[str, Any]]:
    """The milliseconds with few runs, and the ratio with many; its noise is the ratio of the second baseline."""
    times: list[list[float]] = [[] for _ in stores]
    for _ in range(asked.rounds + 1):  # the first round fills caches
        for store, own in zip(stores, times, strict=True):
            began = time.perf_counter()
            query(store)
            own.append(time.perf_counter() - began)
    few, again, many = (statistics.median(own[1:]) for own in times)
    rows = [
        (f"{asked.few} runs", 1000 * few, "ms", 1000 * abs(again - few)),
        (f"{asked.many} runs", many / few, "ratio", again / few),
    ]
    return [
        {
            "benchmark": "growth",
            "subject": name,
            "configuration": configuration,
            "value": round(value, 3),
            "unit": unit,
            "noise": round(noise, 3),
        }
        for configuration, value, unit, noise in rows
    ]


def filled(url: str, runs: int) -> Store:
    """A database with this many runs, one in four of which has each property that is filtered by."""
    migrate.upgrade(url)
    store = Store(url)
    for start in range(0, runs, BATCH):
        numbers = range(start, min(start + BATCH, runs))
        with store._database.write() as connection:
            connection.execute(insert(t.runs), [_row(number) for number in numbers])
            rare = [number for number in numbers if number % SHARE == 0]
            labelled = [{"run_id": _id(number), "key": "team", "value": "vision"} for number in rare]
            connection.execute(insert(t.labels), labelled)
            connection.execute(insert(t.findings), [_finding(number) for number in rare])
    store.reconciliation.merge_tallies()  # as the reconciler does
    if not store._database.is_sqlite:
        with store._database.engine.connect() as connection:  # as the server does by itself after a minute
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
    return store


def _id(number: int) -> str:
    return f"run_{number:026d}"


def _row(number: int) -> dict[str, object]:
    rare = number % SHARE == 0
    new = NewRun(experiment=EXPERIMENT, resolved_experiment=EXPERIMENT, digest=str(number), seed=number, steps=300)
    status: RunStatus = "failed" if rare else "succeeded"
    ended = {"status": status, "reason_code": "trained", "reason_text": "all steps are done", "step": 300}
    times = dict.fromkeys(("created_at", "queued_at", "started_at"), 1000000000.0 + number)
    return {
        **new_run_values(_id(number), new, study_id=None, source="own" if rare else "study"),
        **ended,
        **times,
        "priority": number,
        "ended_at": 1e9 + number + 1 + number % 97,
        "final_train_loss": (number * 7919 % 10_007) / 10_007,
        "condition": "dead_units" if rare else "healthy",
        "layout": {"text": "x" * LAYOUT_CHARACTERS},
        "environment": {"text": "x" * DOCUMENT_CHARACTERS},
    }


def _finding(number: int) -> dict[str, object]:
    return {
        "run_id": _id(number), "number": 0, "condition": "slow_convergence", "severity": "warning", "harm": True,
        "confidence": 0.9, "first_step": 0, "last_step": 299, "layers": [], "rule": "slow_convergence", "summary": "",
    }  # fmt: skip
