"""The embedded service: all components on one machine, started, supervised and stopped by one process.

    with Embedded(settings) as service:     # SQLite and its migrations, Valkey, workers, reconciler, API
        print(service.url)
        service.wait()                       # until SIGINT or SIGTERM

Processes that die are restarted with increasing delays. All of them stop with this process, however it ends.
"""

import errno
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from types import FrameType

import httpx
import structlog
from typing_extensions import Self

from ..kernel.errors import ServiceUnavailable, SetupFailed
from ..kernel.gpu import visible_gpus
from ..kernel.program import COMMAND
from ..queue.messages import owner_prefix
from ..settings import Settings
from ..store import IssuedKey, Store, migrate
from .family import Child, Family
from .folder import DataFolder
from .interruption import deferred, heed, interrupted_by_signals
from .valkey import EmbeddedValkey

log = structlog.get_logger(__name__)

APP = "gradclinic.web:create_app"
PROTOCOL = "gradclinic.api.http.connection:ImpatientProtocol"
API_READY_S = 60.0
KEEP_ALIVE_S = 80
"""Seconds that the API keeps an idle connection: longer than the 75 s after which common proxies close theirs."""
ARENAS = "2"
"""Heaps of the API's threads (glibc). By default 8 for each core, each of which keeps what it once had."""
END_API_S = 5.0
END_VALKEY_S = 5.0


class Embedded:
    """The embedded service of one data folder."""

    def __init__(self, settings: Settings, *, workers: int | None = None, api: bool = True) -> None:
        self._asked, self._workers, self._with_api = settings, workers, api
        self.settings = settings
        """The settings of its processes, with the queue's address and the port once started."""
        self._family: Family | None = None
        self._folder: DataFolder | None = None
        self._socket: socket.socket | None = None
        self._store: Store | None = None
        self._own_key: IssuedKey | None = None
        self._ended = threading.Event()

    @property
    def url(self) -> str:
        """URL that the API listens on."""
        host = self.settings.host
        shown = "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host  # noqa: S104  # compared, not bound
        return f"http://[{shown}]:{self.settings.port}" if ":" in shown else f"http://{shown}:{self.settings.port}"

    def own_key(self) -> str | None:
        """A key for the program that started the service, revoked when it stops; None if no key is required."""
        if self.settings.access != "required" or self._store is None:
            return None
        if self._own_key is None:
            self._own_key = self._store.keys.create("the program that started the service", scope="admin")
        return self._own_key.text

    @property
    def log_dir(self) -> Path:
        """Folder of the processes' log files."""
        return self.settings.data_dir / "logs"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start all processes and wait until the API answers; on failure, stop them all and raise SetupFailed."""
        try:
            with deferred():
                self._start()
            heed()
        except BaseException:
            self.stop()
            raise

    def wait(self) -> None:
        """Wait until `stop` is called or a signal arrives."""
        while not self._ended.wait(1.0):
            heed()

    def stop(self) -> None:
        """Stop everything: first the API, then the workers, which save their runs, then the queue."""
        self._ended.set()
        family, self._family = self._family, None
        with _signals_hurry(family):
            if family is not None:
                family.end(["api"], within_s=END_API_S)
                others = [f"worker-{number}" for number in range(1, self._count + 1)]
                family.end([*others, "reconciler"], within_s=self.settings.drain_s)
                family.end(["valkey"], within_s=END_VALKEY_S)
                family.close()
            self._revoke_own_key()
            for part in (self._store, self._socket, self._folder):
                if part is not None:
                    part.close()
            self._store = self._socket = self._folder = None

    def _revoke_own_key(self) -> None:
        issued, self._own_key = self._own_key, None
        if issued is None or self._store is None:
            return
        try:
            self._store.keys.revoke(issued.key.id)
        except ServiceUnavailable:
            log.warning("key_not_revoked", key=issued.key.id)

    @property
    def _count(self) -> int:
        return self._workers if self._workers is not None else _cores() + len(self._gpu_of_worker)

    @property
    def _gpu_of_worker(self) -> list[str]:
        """The GPUs of the first workers: each GPU as often as workers share it, and every GPU once before any twice."""
        return self._gpus * self._asked.workers_per_gpu

    @cached_property
    def _gpus(self) -> list[str]:
        """Asked once: it takes a program of the driver, and workers are stopped by the number that was started."""
        return visible_gpus()

    def _start(self) -> None:
        _check_installed()
        self._folder = DataFolder(self._asked.data_dir)
        changes: dict[str, object] = {}
        if self._with_api:
            self._socket = listen(self._asked)
            changes["port"] = self._socket.getsockname()[1]
        self._family = Family()
        valkey = EmbeddedValkey(
            self._asked.data_dir / "valkey", self.log_dir / "valkey.log", {**os.environ, **environment_of(self._asked)}
        )
        migrate.upgrade(self._asked.database_url)
        heed()
        changes["broker_url"] = valkey.start(self._family)
        self.settings = self._asked.model_copy(update=changes)
        self._store = Store(self.settings.database_url).everywhere()
        if self.settings.database_url.startswith(f"sqlite:///{self.settings.data_dir}/"):
            self._take_back("")  # only this process uses the folder, so the former owners of runs are gone
        api = self._start_api()
        self._start_workers()
        self._start_one("reconciler", ["gradclinic.reconciler"])
        if api is not None:
            self._wait_for(api)

    def _start_api(self) -> Child | None:
        if self._socket is None:
            return None
        number = self._socket.fileno()
        return self._start_one(
            "api",
            [
                *("uvicorn", "--fd", str(number), "--factory", APP, "--http", PROTOCOL, "--no-access-log"),
                *("--timeout-graceful-shutdown", "3", "--timeout-keep-alive", str(KEEP_ALIVE_S)),
            ],
            pass_fds=[number],
            extra={"MALLOC_ARENA_MAX": ARENAS},
        )

    def _start_workers(self) -> None:
        gpus = self._gpu_of_worker
        for number in range(1, self._count + 1):
            gpu = gpus[number - 1] if number <= len(gpus) else None
            extra = {"GRADCLINIC_WORKER_QUEUES": "cpu" if gpu is None else "auto", "CUDA_VISIBLE_DEVICES": gpu or ""}
            self._start_one(f"worker-{number}", ["gradclinic_workers"], extra=extra)

    def _start_one(
        self,
        name: str,
        module: list[str],
        *,
        pass_fds: list[int] | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> Child:
        assert self._family is not None  # noqa: S101  # started before
        heed()
        child = Child(
            name=name,
            command=[sys.executable, "-m", *module],
            environment={**os.environ, **environment_of(self.settings), **(extra or {})},
            log_file=self.log_dir / f"{name}.log",
            pass_fds=pass_fds or [],
            died=(lambda pid: self._take_back(owner_prefix(pid))) if name.startswith("worker") else (lambda _pid: None),
        )
        self._family.add(child)
        return child

    def _take_back(self, prefix: str) -> None:
        """Return the runs of a dead worker to the queue."""
        if self._store is None:
            return
        try:
            reconciliation = self._store.reconciliation
            reconciliation.abandon(reconciliation.owners(prefix), max_attempts=self.settings.max_attempts)
        except ServiceUnavailable:
            log.warning("runs_not_reclaimed", worker=prefix)  # their leases expire

    def _wait_for(self, api: Child) -> None:
        deadline = time.monotonic() + API_READY_S
        with httpx.Client(base_url=self.url, timeout=2.0, trust_env=False) as client:
            while time.monotonic() < deadline and api.deaths < 2:
                heed()
                try:
                    if client.get("/livez").is_success:
                        return
                except httpx.HTTPError:
                    pass
                time.sleep(0.05)
        raise SetupFailed(f"the API did not start: {api.last_words() or 'it does not answer'} (see {api.log_file})")


def environment_of(settings: Settings) -> dict[str, str]:
    """Settings as environment variables for a child process."""
    values = settings.model_dump(mode="json")
    return {
        f"GRADCLINIC_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
    }


@contextmanager
def _signals_hurry(family: Family | None) -> Iterator[None]:
    """During shutdown, another Ctrl-C or SIGTERM kills the processes immediately."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def hurry(_number: int, _frame: FrameType | None) -> None:
        if family is not None:
            family.hurry()

    before = {number: signal.signal(number, hurry) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def listen(settings: Settings) -> socket.socket:
    """A listening socket at the address of the settings.

    Raises SetupFailed if the port is in use, if the address is not this machine's, or if others can reach it and
    would need no key.
    """
    host, port = settings.host, settings.port
    if settings.access != "required" and not _is_loopback(host):
        raise SetupFailed(
            f"other machines can reach {host or 'every address of this machine'}, so the API must require keys there: "
            f"set GRADCLINIC_ACCESS=required, and create a key with: {COMMAND} keys create NAME"
        )
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SetupFailed(
                f"port {port} on {host} is in use; stop the program that uses it or set --port (0: any free port)"
            ) from error
        reason = error.strerror or str(error)
        raise SetupFailed(f"cannot listen on {host}, port {port}: {reason}") from error
    return listening


def _is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _check_installed() -> None:
    for module, extra in (("gradclinic_workers", "worker"), ("torch", "worker"), ("sklearn", "worker")):
        if find_spec(module) is None:
            raise SetupFailed(f"{module} is not installed; install it with: pip install 'gradclinic[embedded,{extra}]'")


def _cores() -> int:
    return len(os.sched_getaffinity(0))


__all__ = ["Embedded", "environment_of", "heed", "interrupted_by_signals", "listen"]
