"""One play: a client submits runs while faults happen; then everything must come to its end."""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from gradclinic.kernel.errors import ServiceUnavailable

from ..waiting import eventually
from .audit import audit
from .client import Client
from .faults import draw
from .workload import SHAPES, Job
from .world import Kind, World, world

QUIET_S = 120.0
"""Seconds without a step or an end after which what has not ended is stuck."""


@dataclass
class Report:
    """What happened, and what was wrong."""

    database: Kind
    seed: int
    runs: int
    supervised: bool
    faults: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    attempts: int = 0
    requests_refused: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def play(
    kind: Kind,
    *,
    seed: int,
    runs: int,
    faults: int,
    workers: int = 2,
    pause_s: float = 1.0,
    tell: Callable[[str], None] = lambda _: None,
) -> Report:
    """Play once; the same seed draws the same jobs and faults, though not the same moments."""
    rng = random.Random(seed)
    report = Report(kind, seed, runs, supervised=rng.random() < 0.5)
    jobs = [Job(f"chaos-{seed}-{number}", rng.randrange(len(SHAPES))) for number in range(runs)]
    began = time.monotonic()
    with world(kind, workers=workers, supervised=report.supervised) as service:
        client = Client(service.service.url, jobs, rng=random.Random(seed + 1), pause_s=pause_s, cancels=0.05)
        client.start()
        report.faults = dict(_hurt(service, rng, faults, pause_s=pause_s, tell=tell))
        client.join()
        _wait(service, client, tell)
        report.problems = audit(service, client)
        ended = service.store.runs.get_many(list(client.accepted))
        report.statuses = dict(Counter(run.status for run in ended))
        report.attempts = sum(run.attempt for run in ended)
        report.requests_refused = client.refused
    report.seconds = round(time.monotonic() - began, 1)
    return report


def _hurt(
    service: World, rng: random.Random, faults: int, *, pause_s: float, tell: Callable[[str], None]
) -> Counter[str]:
    made: Counter[str] = Counter()
    eventually(lambda: service.store.runs.page(status="running").items)  # nothing is hurt while nothing goes on
    while made.total() < faults:
        time.sleep(rng.uniform(0, 2 * pause_s))
        name, fault = draw(rng)
        if fault(service, rng):
            made[name] += 1
            tell(f"fault {made.total()} of {faults}: {name}")
    return made


def _wait(service: World, client: Client, tell: Callable[[str], None]) -> None:
    """Until every run has ended, or nothing has moved for too long."""
    moved, before = time.monotonic(), (0, 0)
    while time.monotonic() - moved < QUIET_S:
        try:
            vitals = service.store.vitals(seen_within_s=60)
        except ServiceUnavailable:
            continue
        unfinished = sum(count for (status, _), count in vitals.runs.items() if status in {"queued", "running"})
        if not unfinished:
            return
        if (unfinished, vitals.steps_done) != before:
            moved, before = time.monotonic(), (unfinished, vitals.steps_done)
        tell(f"{unfinished} of {len(client.accepted)} runs have not ended")
        time.sleep(1.0)
