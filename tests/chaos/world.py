"""The whole service as real processes: Valkey, a database, workers, reconciler, API."""

import os
import random
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Literal

import psutil
import redis
from sqlalchemy import select

from gradclinic.embedded import Embedded, family
from gradclinic.settings import Settings
from gradclinic.store import Store
from gradclinic.store import tables as t

from ..processes import named
from ..servers import Postgres
from ..service.use_cases.alerts.receiver import receiving
from .tenant import Tenant, tenants_of

Kind = Literal["sqlite", "postgresql"]
PROJECTS = ("vision", "speech")
SKEW = Path(__file__).with_name("skew")


class World:
    """A running service, and handles to hurt it with."""

    def __init__(self, service: Embedded, postgres: Postgres | None, tenants: list[Tenant]) -> None:
        self.service, self.postgres, self.tenants = service, postgres, tenants
        self.settings = service.settings
        self.store = Store(self.settings.database_url).everywhere()
        self.asked_to_end: list[psutil.Process] = []

    def workers(self) -> list[psutil.Process]:
        """The parents that take messages."""
        found = []
        for process in named(self.settings.data_dir, "gradclinic_workers"):
            with suppress(psutil.NoSuchProcess):
                if process.cmdline()[-1] == "gradclinic_workers":
                    found.append(process)
        return found

    def children(self) -> list[psutil.Process]:
        """The processes that train."""
        return named(self.settings.data_dir, "spawn_main")

    def part(self, name: str) -> list[psutil.Process]:
        """Processes by a part of their command line."""
        return named(self.settings.data_dir, name)

    def bad_subjects(self) -> list[str]:
        """What the projects were last told is not well. Raises ServiceUnavailable.

        A schedule recovers with its next check, and there is none once it is paused, so schedules are left out.
        """
        states = t.alert_states.c
        with self.store._database.read() as connection:
            query = (
                select(states.project, states.subject)
                .where(states.is_bad, ~states.subject.startswith("schedule "))
                .order_by(states.project, states.subject)
            )
            return [f"{row.project}: {row.subject}" for row in connection.execute(query)]

    @contextmanager
    def broker(self) -> Iterator["redis.Redis"]:
        """Its broker, for as long as it answers."""
        client = redis.Redis.from_url(self.settings.broker_url, socket_timeout=2)
        try:
            with suppress(redis.RedisError):
                yield client
        finally:
            client.close()


@contextmanager
def world(kind: Kind, *, workers: int, supervised: bool, lanes: int) -> Iterator[World]:
    """A service on a database of a kind; unsupervised, nobody tells it of workers that died but their leases."""
    before = (family.FIRST_PAUSE_S, family.LONGEST_PAUSE_S, os.environ.get("PYTHONPATH"))
    family.FIRST_PAUSE_S, family.LONGEST_PAUSE_S = 0.1, 0.5
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(SKEW), before[2]]))
    postgres = None
    try:
        with tempfile.TemporaryDirectory(prefix="gradclinic-chaos-") as folder:
            if kind == "postgresql":
                postgres = Postgres()
                postgres.start()
            url = {"database_url": postgres.url()} if postgres is not None else {}
            settings = Settings(
                data_dir=Path(folder),
                port=0,
                lease_ttl_s=4,
                heartbeat_s=0.7,
                cancel_poll_s=0.2,
                checkpoint_every_s=0.2,
                reconcile_every_s=0.3,
                resend_after_s=3,
                max_attempts=1000,
                max_lanes=lanes,
                access="required",
                webhook_private=True,
                alert_queue_s=5,
                **url,
            )
            service = Embedded(settings, workers=workers)
            if not supervised:
                service._take_back = lambda _prefix: None  # type: ignore[method-assign]  # a machine that vanished
            with service, ExitStack() as stack:
                receivers = {project: stack.enter_context(receiving()) for project in PROJECTS}
                made = World(service, postgres, tenants_of(service.settings, receivers))
                try:
                    yield made
                finally:
                    for store in (made.store, *(each.store for each in made.tenants)):
                        store.close()
    finally:
        family.FIRST_PAUSE_S, family.LONGEST_PAUSE_S = before[:2]
        os.environ.pop("PYTHONPATH")
        if before[2] is not None:
            os.environ["PYTHONPATH"] = before[2]
        if postgres is not None:
            postgres.close()


def pick(rng: random.Random, processes: list[psutil.Process]) -> psutil.Process | None:
    """One of the processes, where there is any."""
    return rng.choice(processes) if processes else None
