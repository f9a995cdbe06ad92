"""The folder where the embedded service stores its data; only one service can use it at a time."""

import errno
import fcntl
import os
import shutil
from pathlib import Path

from ..kernel.errors import SetupFailed

NEEDED_BYTES = 64 * 2**20
PRIVATE = 0o700
"""Mode of a new data folder: other local users cannot read what is in it. A folder that exists keeps its mode."""


class DataFolder:
    """A data folder that this process uses exclusively until it is closed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
            free = shutil.disk_usage(path).free
            if free < NEEDED_BYTES:
                raise SetupFailed(
                    f"the disk of {path} is full: {free // 2**20} MiB are free, {NEEDED_BYTES // 2**20} are needed; "
                    "free some or choose another --data-dir"
                )
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise SetupFailed(f"{_reason(path, error)}; choose another --data-dir") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._lock, 20, 0).decode("ascii", "replace").strip()
            os.close(self._lock)
            raise SetupFailed(
                f"another gradclinic (process {holder or 'unknown'}) is using {path}; "
                "stop it or choose another --data-dir"
            ) from error
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode("ascii"), 0)

    def close(self) -> None:
        """Let another process use the folder."""
        os.close(self._lock)


def keep_private() -> None:
    """Make everything that this process and its children create from now on readable by their user only."""
    os.umask(0o777 & ~PRIVATE)


def _reason(path: Path, error: OSError) -> str:
    if isinstance(error, FileExistsError | NotADirectoryError):
        return f"{path} is a file, not a folder"
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return f"{path} cannot be written to"
    return f"the data folder {path} cannot be used: {error.strerror or error}"
