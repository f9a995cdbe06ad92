"""A service for one program: everything that `gradclinic serve` starts, on a free port, ended with the program."""

import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..settings import Settings

PREFIX = "gradclinic-local-"


def start(data_dir: str | Path | None, *, workers: int | None) -> tuple[str, Callable[[], None]]:
    """Start it in a folder, a temporary one by default: its address, and what ends it. Raises SetupFailed."""
    from ..embedded import Embedded

    _log_to_standard_error()
    if data_dir is None:
        _remove_orphans()
        folder, temporary = Path(tempfile.mkdtemp(prefix=PREFIX)), True
    else:
        folder, temporary = Path(data_dir).expanduser().absolute(), False
    embedded = Embedded(_settings(folder, kept=not temporary), workers=workers)
    owner = os.getpid()

    def end() -> None:
        if os.getpid() != owner:  # a fork of the program is not who started it
            return
        embedded.stop()
        if temporary:
            shutil.rmtree(folder, ignore_errors=True)

    try:
        embedded.start()
    except BaseException:
        end()
        raise
    return embedded.url, end


def _settings(folder: Path, *, kept: bool) -> "Settings":
    from ..settings import Settings

    settings = Settings(
        host="127.0.0.1",
        port=0,
        data_dir=folder,
        database_url=f"sqlite:///{folder / 'gradclinic.db'}",
        checkpoint_dir=folder / "checkpoints",
    )
    return settings if kept else settings.model_copy(update={"drain_s": 1.0})  # what is removed need not be saved


def _remove_orphans() -> None:
    """Remove temporary folders of this user's programs that were killed."""
    for lock in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/lock"):
        with suppress(OSError):
            if lock.parent.lstat().st_uid != os.getuid():
                continue
            with lock.open("rb") as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)


def _log_to_standard_error() -> None:
    """Warnings of the supervisor are not part of what the program prints; one that has settings keeps them."""
    import structlog

    if not structlog.is_configured():
        structlog.configure(logger_factory=structlog.WriteLoggerFactory(sys.stderr))
