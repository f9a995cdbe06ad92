"""One play: two projects submit runs and studies while faults happen; then everything must come to its end."""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from gradclinic.kernel.errors import ServiceUnavailable

from ..waiting import eventually
from .audit import Books
from .client import Client
from .faults import draw
from .workload import SHAPES, jobs
from .world import Kind, World, world

QUIET_S = 120.0
"""Seconds without a step or an end after which what has not ended is stuck."""


@dataclass
class Report:
    """What happened, and what was wrong."""

    database: Kind
    seed: int
    runs: int
    lanes: int
    supervised: bool
    faults: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    attempts: int = 0
    checks: int = 0
    alerts: int = 0
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
    lanes: int = 16,
    tell: Callable[[str], None] = lambda _: None,
) -> Report:
    """Play once; the same seed draws the same jobs and faults, though not the same moments."""
    rng = random.Random(seed)
    report = Report(kind, seed, runs, lanes, supervised=rng.random() < 0.5)
    shapes = [rng.randrange(len(SHAPES)) for _ in range(runs)]
    began = time.monotonic()
    with world(kind, workers=workers, supervised=report.supervised, lanes=lanes) as service:
        baselines = [each.settle(service.service.url) for each in service.tenants]
        clients: list[Client] = []
        for place, tenant in enumerate(service.tenants):
            own = jobs(f"chaos-{seed}-{place}", shapes[place :: len(service.tenants)])
            other, its_rng = (clients or [None])[-1], random.Random(seed + 1 + place)
            clients.append(
                Client(service.service.url, tenant, other, own, rng=its_rng, pause_s=pause_s * len(service.tenants))
            )
        for client in clients:
            client.start()
        report.faults = dict(_hurt(service, rng, faults, pause_s=pause_s, tell=tell))
        for client in clients:
            client.join()
        for tenant in service.tenants:
            eventually(lambda tenant=tenant: _is_done(tenant.pause))  # type: ignore[misc]
        _wait(service, tell)
        found = Books(service, clients, baselines)
        report.problems = found.problems()
        report.statuses = dict(Counter(run.status for run in found.runs.values()))
        report.attempts = sum(run.attempt for run in found.runs.values())
        report.checks, report.alerts = found.checks, found.alerts
        report.requests_refused = sum(client.refused for client in clients)
    report.seconds = round(time.monotonic() - began, 1)
    return report


def _is_done(write: Callable[[], None]) -> bool:
    try:
        write()
    except ServiceUnavailable:
        return False
    return True


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


def _wait(service: World, tell: Callable[[str], None]) -> None:
    """Until every run has ended, every subject has recovered and every alert is delivered, or nothing moves any more.

    A queue recovers with its last run, and the alert that says so is written by the next round of a reconciler.
    """
    moved, before = time.monotonic(), (0, 0, 0)
    while time.monotonic() - moved < QUIET_S:
        try:
            vitals = service.store.vitals(seen_within_s=60)
            alerts, _ = service.store.webhooks.waiting_and_lost(within_s=60)
            checks = sum(len(each.store.checks.running()) for each in service.tenants)
            bad = service.bad_subjects()
        except ServiceUnavailable:
            continue
        unfinished = sum(count for (status, _), count in vitals.runs.items() if status in {"queued", "running"})
        if not (unfinished or alerts or checks or bad):
            return
        if (unfinished, vitals.steps_done, alerts) != before:
            moved, before = time.monotonic(), (unfinished, vitals.steps_done, alerts)
        tell(f"{unfinished} runs and {checks} checks have not ended, {alerts} alerts wait, {len(bad)} subjects are bad")
        time.sleep(1.0)
