"""How long reads take over HTTP, beside a bare uvicorn application, and how much they ask of the database.

The API runs in a process of its own, without workers, over a study of 20 runs. Each subject is read on a connection of
its own, which is kept, in turn with all others; a second connection to the bare application shows the noise. On a busy
machine answers wait for a core, so the server's own CPU time is shown, too. What a first comparison and lists ask of
the database is counted: statements, and what SQLite's virtual machine executes with few and with many stored runs.
Usage: ./run benchmark api [--json] [--rounds N] [--few N] [--many N]
"""

import argparse
import json
import multiprocessing
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import uvicorn
from starlette.types import Receive, Scope, Send
from tests.processes import named
from tests.service.store.costs import rows_read, statements

from gradclinic.diagnosis import diagnose
from gradclinic.embedded import Embedded
from gradclinic.experiments.experiment import Experiment
from gradclinic.settings import Settings
from gradclinic.store import NewRun, NewStudy, Store
from gradclinic.use_cases.comparison import compare_study
from gradclinic.use_cases.service import Service
from gradclinic_workers.train.fit import train

from .growth import QUERIES, filled
from .storage import train_stored

ROUNDS, FEW, MANY = 200, 200, 20_000
SEEDS, ARMS, STEPS = 10, ("baseline", "clipped"), 300
SMALL_MS, OF_A_RUN_MS, STATEMENTS = 3.0, 30.0, 5
"""The bars: p50 of a small GET, and of whatever is read of one run, on an idle machine; statements of a comparison."""
BARE = "bare uvicorn application"
SMALL = ("/livez", "/v1/runs/{run}")
OF_A_RUN = tuple(f"/v1/runs/{{run}}{part}" for part in ("/statistics", "/curves", "/diagnosis", "/profile", "/events"))
LISTS = ("/v1/runs?view=summary&limit=50", "/v1/studies/{study}/comparison")
GROWS = ("search that finds many", "search that finds none", "total")
"""Queries that read an index entry of each run."""
EXPERIMENT = {
    "model": {"kind": "mlp", "depth": 12, "width": 16, "activation": "relu"},
    "data": {"kind": "moons"},
    "optimizer": {"kind": "adam", "learning_rate": 0.001},
    "training": {"steps": STEPS, "batch_size": 32},
}


@dataclass(frozen=True)
class Served:
    """What is read, and the process that serves it."""

    address: str
    pid: int


@dataclass(frozen=True)
class Row:
    """One figure."""

    subject: str
    configuration: str
    value: float
    unit: str
    noise: float = 0.0
    bar: float | None = None
    benchmark: str = "api"


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(prog="benchmark api", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="requests of each kind")
    parser.add_argument("--few", type=int, default=FEW)
    parser.add_argument("--many", type=int, default=MANY)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gradclinic-api-") as folder:
        rows = [*read_over_http(Path(folder) / "served", rounds=asked.rounds)]
        rows += counted(Path(folder), few=asked.few, many=asked.many)
    if asked.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
        return
    print("| read | measured | value | bar | noise |\n|---|---|---|---|---|")
    for row in rows:
        bar = "" if row.bar is None else f"<= {row.bar:g}"
        print(f"| `{row.subject}` | {row.configuration} | {row.value:g} {row.unit} | {bar} | {row.noise:g} |")


def read_over_http(folder: Path, *, rounds: int) -> Iterator[Row]:
    """p50 of each read, and the statements of the first comparison, which comes before."""
    settings = Settings(data_dir=folder, port=0)
    with ExitStack() as stack:
        embedded = stack.enter_context(Embedded(settings, workers=0))
        study_id, run_id, count = stored_study(embedded.settings)
        yield Row("first comparison of 20 runs", "sent to the database", count, "statements", bar=STATEMENTS)
        bare = stack.enter_context(bare_application())
        (api,) = named(folder, "uvicorn")
        reads = {BARE: bare, f"{BARE}, again": bare}
        for path in (*SMALL, *OF_A_RUN, *LISTS):
            reads[path] = Served(embedded.url + path.format(run=run_id, study=study_id), api.pid)
        times = timed(reads, rounds=rounds)
    for place, measured in enumerate(("p50", "CPU time of the server, p50")):
        middle = {name: 1000 * statistics.median(taken[place] for taken in own) for name, own in times.items()}
        noise = abs(middle[f"{BARE}, again"] - middle[BARE])
        for name, value in middle.items():
            bar = None if place else SMALL_MS if name in SMALL else OF_A_RUN_MS if name in OF_A_RUN else None
            yield Row(name, f"{measured} of {rounds} requests", round(value, 2), "ms", noise=round(noise, 2), bar=bar)


def timed(reads: Mapping[str, Served], *, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Seconds of each read, and of the server's CPU time; the first of each fills caches."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in reads}
    with ExitStack() as stack:
        clients = {name: stack.enter_context(httpx.Client(timeout=60, trust_env=False)) for name in reads}
        for number in range(rounds + 1):
            for name, read in reads.items():
                began, computed = time.perf_counter(), cpu_seconds(read.pid)
                clients[name].get(read.address).raise_for_status()
                if number:
                    times[name].append((time.perf_counter() - began, cpu_seconds(read.pid) - computed))
    return times


def cpu_seconds(pid: int) -> float:
    """CPU time of a process's threads, finer than the hundredths of a second that are counted for the process."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def stored_study(settings: Settings) -> tuple[str, str, int]:
    """Store a study whose runs have all ended; its id, that of a run, and the statements of its first comparison."""
    experiment = Experiment.model_validate(EXPERIMENT)
    record, document = train(experiment), experiment.to_json()
    diagnosis = diagnose(record)
    service = Service.of(settings)
    runs = [
        NewRun(
            experiment=document, resolved_experiment=document, digest=f"{arm} {seed}", seed=seed, steps=STEPS, arm=arm
        )
        for seed in range(SEEDS)
        for arm in ARMS
    ]
    study = NewStudy(experiment=document, arms=[{"name": arm, "remedies": []} for arm in ARMS], seeds=[*range(SEEDS)])
    study_id = service.store.studies.create(study, runs).item.id
    run_ids = [run.id for run in service.store.runs.of_study(study_id)]
    for run_id in run_ids:
        train_stored(service.store, run_id, record, diagnosis, window=50)
    with statements() as sent:
        compare_study(service, study_id)
    service.close()
    return study_id, run_ids[0], len(sent)


def counted(folder: Path, *, few: int, many: int) -> Iterator[Row]:
    """What each list executes with many runs, divided by what it does with few; the noise is a second few."""
    stores = [filled(f"sqlite:///{folder}/{name}.db", runs) for name, runs in (("a", few), ("b", few), ("c", many))]
    for name in QUERIES:
        first, again, last = (_instructions(store, name) for store in stores)
        yield Row(
            name,
            f"instructions with {many:,} runs / with {few:,}",
            round(last / first, 3),
            "times",
            noise=round(abs(again / first - 1), 3),
            bar=None if name in GROWS else 1.1,
        )
    for store in stores:
        store.close()


def _instructions(store: Store, name: str) -> int:
    QUERIES[name](store)  # the first opens the file
    with rows_read(store) as read:
        QUERIES[name](store)
    return len(read)


@contextmanager
def bare_application() -> Iterator[Served]:
    """A uvicorn server in a process of its own, whose application does nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        process = multiprocessing.get_context("fork").Process(target=_serve_bare, args=(listening,), daemon=True)
        process.start()
        try:
            yield Served(f"http://127.0.0.1:{listening.getsockname()[1]}/", process.pid or 0)
        finally:
            process.terminate()
            process.join()


def _serve_bare(listening: socket.socket) -> None:
    uvicorn.Server(uvicorn.Config(_bare, log_level="warning", access_log=False)).run(sockets=[listening])


async def _bare(scope: Scope, _receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    headers = [(b"content-type", b"application/json"), (b"content-length", b"15")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"status":"ok"}'})
