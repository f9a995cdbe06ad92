"""The whole service as real processes: Valkey, a database, workers, reconciler, API."""

import os
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import psutil
import redis

from gradclinic.embedded import Embedded, family
from gradclinic.settings import Settings
from gradclinic.store import Store

from ..processes import named
from ..servers import Postgres

Kind = Literal["sqlite", "postgresql"]
SKEW = Path(__file__).with_name("skew")


class World:
    """A running service, and handles to hurt it with."""

    def __init__(self, service: Embedded, postgres: Postgres | None) -> None:
        self.service, self.postgres = service, postgres
        self.settings = service.settings
        self.store = Store(self.settings.database_url)
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
def world(kind: Kind, *, workers: int, supervised: bool) -> Iterator[World]:
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
                **url,
            )
            service = Embedded(settings, workers=workers)
            if not supervised:
                service._take_back = lambda _prefix: None  # type: ignore[method-assign]  # a machine that vanished
            with service:
                made = World(service, postgres)
                try:
                    yield made
                finally:
                    made.store.close()
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
