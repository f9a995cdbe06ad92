"""What can go wrong, as functions that make it go wrong; each says whether it found something to hurt."""

import random
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress

import psutil

from gradclinic.kernel.errors import ServiceUnavailable
from gradclinic.queue.messages import QUEUES, Queue
from gradclinic.store import Message

from .world import World, pick

MOST_REFUSED = 2
Fault = Callable[[World, random.Random], bool]


def kill_child(world: World, rng: random.Random) -> bool:
    return _kill(pick(rng, world.children()), signal.SIGKILL)


def kill_worker(world: World, rng: random.Random) -> bool:
    return _kill(pick(rng, world.workers()), signal.SIGKILL)


def end_worker(world: World, rng: random.Random) -> bool:
    worker = pick(rng, world.workers())
    if worker is not None:
        world.asked_to_end.append(worker)
    return _kill(worker, signal.SIGTERM)


def kill_api(world: World, rng: random.Random) -> bool:
    return _kill(pick(rng, world.part("uvicorn")), signal.SIGKILL)


def kill_reconciler(world: World, rng: random.Random) -> bool:
    return _kill(pick(rng, world.part("gradclinic.reconciler")), signal.SIGKILL)


def freeze_child(world: World, rng: random.Random) -> bool:
    """Longer than its lease, so that another takes over while it believes that it still holds the run."""
    return _freeze(pick(rng, world.children()), world.settings.lease_ttl_s * rng.uniform(1.2, 1.8))


def freeze_worker(world: World, rng: random.Random) -> bool:
    return _freeze(pick(rng, world.workers()), world.settings.lease_ttl_s * rng.uniform(0.5, 1.5))


def kill_broker(world: World, rng: random.Random) -> bool:
    return _kill(pick(rng, world.part("valkey-server")), signal.SIGKILL)


def empty_broker(world: World, rng: random.Random) -> bool:
    """As if it had been restarted without persistence."""
    with world.broker() as broker:
        broker.flushall()
    return _kill(pick(rng, world.part("valkey-server")), signal.SIGKILL)


def freeze_broker(world: World, rng: random.Random) -> bool:
    return _freeze(pick(rng, world.part("valkey-server")), rng.uniform(1, 4))


def lose_messages(world: World, rng: random.Random) -> bool:
    with world.broker() as broker:
        keys = [key for key in broker.scan_iter() if key.split(b"\x06")[0].decode() in QUEUES]
        return bool(keys) and bool(broker.delete(rng.choice(keys)))
    return False


def repeat_messages(world: World, rng: random.Random) -> bool:
    """Five messages for one run, whatever its state."""
    with suppress(Exception):  # the database may be away: then there is nothing to repeat
        runs = world.store.runs.page(limit=20).items
        if runs:
            run = rng.choice(list(runs))
            queue = Queue(world.settings)
            sent = queue.send([Message(run.id, run.queue)] * 5)
            queue.close()
            return bool(sent)
    return False


def replace_key(world: World, rng: random.Random) -> bool:
    """In the middle of its requests, a project gets a new key, and the old one ends."""
    with suppress(ServiceUnavailable):
        rng.choice(world.tenants).rotate_key()
        return True
    return False


def replace_secret(world: World, rng: random.Random) -> bool:
    """The alerts of a project are signed with a new secret, too."""
    with suppress(ServiceUnavailable):
        rng.choice(world.tenants).rotate_secret()
        return True
    return False


def refuse_alerts(world: World, rng: random.Random) -> bool:
    """A receiver refuses the next alert; not often, since all alerts wait four times as long after each attempt."""
    tenant = rng.choice(world.tenants)
    if tenant.refused == MOST_REFUSED:
        return False
    tenant.refused += 1
    tenant.receiver.answers.append((503, {}))
    return True


def hurt_database(world: World, rng: random.Random) -> bool:
    """PostgreSQL crashes and comes back; SQLite is locked by somebody else for a while."""
    if world.postgres is not None:
        world.postgres.kill()
        time.sleep(rng.uniform(0, 2))
        world.postgres.start()
        return True
    connection = sqlite3.connect(world.settings.database_url.removeprefix("sqlite:///"), timeout=30)
    try:
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(rng.uniform(0.5, 3))
        connection.rollback()
    finally:
        connection.close()
    return True


FAULTS: dict[str, tuple[float, Fault]] = {
    "kill_child": (3, kill_child),
    "kill_worker": (3, kill_worker),
    "freeze_child": (2, freeze_child),
    "freeze_worker": (1, freeze_worker),
    "end_worker": (2, end_worker),
    "kill_api": (1, kill_api),
    "kill_reconciler": (1, kill_reconciler),
    "kill_broker": (1, kill_broker),
    "empty_broker": (1, empty_broker),
    "freeze_broker": (1, freeze_broker),
    "lose_messages": (1, lose_messages),
    "repeat_messages": (2, repeat_messages),
    "hurt_database": (1, hurt_database),
    "replace_key": (1, replace_key),
    "replace_secret": (1, replace_secret),
    "refuse_alerts": (1, refuse_alerts),
}
"""Each fault with how often it is drawn."""


def draw(rng: random.Random) -> tuple[str, Fault]:
    """One fault, by the weights."""
    names = list(FAULTS)
    (name,) = rng.choices(names, weights=[FAULTS[name][0] for name in names])
    return name, FAULTS[name][1]


def _kill(process: psutil.Process | None, number: int) -> bool:
    if process is None:
        return False
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)
        return True
    return False


def _freeze(process: psutil.Process | None, seconds: float) -> bool:
    if process is None:
        return False
    with suppress(psutil.NoSuchProcess):
        process.suspend()
        time.sleep(seconds)
        process.resume()
        return True
    return False
