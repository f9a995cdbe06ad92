"""Child processes that are restarted when they die and never outlive this process."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

BOUND = Path(__file__).with_name("bound.py")
LOOK_S = 0.1
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0
"""A child that lived this many seconds is restarted without an increased delay."""
LOG_BYTES = 10 * 2**20
"""A log file larger than this is truncated at the next start."""


@dataclass
class Child:
    """A process that should be running."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log_file: Path
    stdin: bytes | None = None
    pass_fds: Sequence[int] = ()
    died: Callable[[int], None] = lambda _pid: None
    """Called with the process id of each process that died."""

    process: subprocess.Popen[bytes] | None = None
    deaths: int = 0
    _since: float = 0.0
    _pause_s: float = 0.0
    started: threading.Event = field(default_factory=threading.Event)

    def last_words(self) -> str:
        """The last non-empty line of its log."""
        try:
            lines = self.log_file.read_text("utf-8", "replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1].strip() if lines else ""

    def spawn(self) -> None:
        """Start it; it is killed when the calling thread ends."""
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_BYTES:
            self.log_file.unlink()
        with self.log_file.open("ab") as output:
            self.process = subprocess.Popen(  # noqa: S603  # the command is our own
                [sys.executable, "-I", "-S", str(BOUND), str(os.getpid()), *self.command],
                env=dict(self.environment),
                stdin=subprocess.DEVNULL if self.stdin is None else subprocess.PIPE,
                stdout=output,
                stderr=output,
                pass_fds=self.pass_fds,
                start_new_session=True,  # only this process handles Ctrl-C; it decides the order of shutdown
            )
        if self.stdin is not None and self.process.stdin is not None:
            with suppress(BrokenPipeError):  # it died immediately; `look` will notice
                self.process.stdin.write(self.stdin)
                self.process.stdin.close()
        self._since = time.monotonic()
        self.started.set()

    def look(self) -> None:
        """Start it if it is not running and its delay is over."""
        if self.process is not None:
            status = self.process.poll()
            if status is None:
                return
            lived, pid = time.monotonic() - self._since, self.process.pid
            self.process, self.deaths = None, self.deaths + 1
            grown = min(max(FIRST_PAUSE_S, self._pause_s * 2), LONGEST_PAUSE_S)
            self._pause_s = FIRST_PAUSE_S if lived > STEADY_S else grown
            self._since = time.monotonic()
            log.warning("child_died", child=self.name, status=status, again_in_s=self._pause_s, log=str(self.log_file))
            threading.Thread(target=self.died, args=(pid,), daemon=True).start()
        if time.monotonic() - self._since >= self._pause_s:
            self.spawn()

    def signal(self, number: int) -> None:
        """Send a signal to its process group if it is still running."""
        if self.process is not None and self.process.poll() is None:
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                return

    def terminate(self) -> None:
        """Ask it to stop; it stops its own children itself."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()


class Family:
    """The children of this process, and the thread that starts them.

    One thread starts all of them and lives until the end, because the kernel treats the thread that started a
    child as its parent.
    """

    def __init__(self) -> None:
        self._children: list[Child] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._hurry = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._thread.start()

    def add(self, child: Child) -> None:
        """Keep a child running from now on; returns once it has started."""
        with self._lock:
            self._children.append(child)
        while not child.started.wait(LOOK_S):
            if not self._thread.is_alive():
                raise RuntimeError("the supervisor has stopped")

    def hurry(self) -> None:
        """Kill the children that are stopping."""
        self._hurry.set()

    def end(self, names: Sequence[str] | None = None, *, within_s: float) -> None:
        """Ask children (by default all) to stop, and kill those that do not stop in time."""
        with self._lock:
            leaving = [child for child in self._children if names is None or child.name in names]
            self._children = [child for child in self._children if child not in leaving]
        for child in leaving:
            child.terminate()
        deadline = time.monotonic() + within_s
        for child in leaving:
            while child.process is not None and child.process.poll() is None:
                if self._hurry.is_set() or time.monotonic() > deadline:
                    child.signal(signal.SIGKILL)
                    child.process.wait()
                    break
                time.sleep(0.02)

    def close(self) -> None:
        """End the thread once no child is left."""
        self.end(within_s=0)
        self._ended.set()
        self._thread.join(timeout=10)

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_S):
            with self._lock:
                for child in self._children:
                    try:
                        child.look()
                    except (
                        OSError,
                        RuntimeError,
                        MemoryError,
                    ) as error:  # for example disk full or too many threads; try again later
                        log.warning("child_not_started", child=child.name, reason=str(error))
