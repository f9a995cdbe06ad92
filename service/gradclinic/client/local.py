"""The embedded server of one program: the same as `gradclinic serve`, on a free port; it stops with the program."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..kernel.installation import require_service

if TYPE_CHECKING:
    from ..settings import Settings

PREFIX = "gradclinic-local-"


@dataclass(frozen=True)
class Started:
    """A running service."""

    url: str
    key: str | None = field(repr=False)
    """The key that it requires, if it requires one."""
    end: Callable[[], None]


def start(data_dir: str | Path | None, *, workers: int | None) -> Started:
    """Start the server. Raises SetupFailed.

    Data is stored in the folder, by default a temporary one.
    """
    require_service()
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
        if os.getpid() != owner:  # a forked child must not stop it
            return
        embedded.stop()
        if temporary:
            shutil.rmtree(folder, ignore_errors=True)

    try:
        embedded.start()
    except BaseException:
        end()
        raise
    return Started(embedded.url, embedded.own_key(), end)


def _settings(folder: Path, *, kept: bool) -> "Settings":
    from ..settings import Settings

    settings = Settings(
        host="127.0.0.1",
        port=0,
        data_dir=folder,
        database_url=f"sqlite:///{folder / 'gradclinic.db'}",
        checkpoint_dir=folder / "checkpoints",
    )
    return settings if kept else settings.model_copy(update={"drain_s": 1.0})  # it will be removed


def _remove_orphans() -> None:
    """Remove temporary folders left behind by killed programs of this user."""
    for lock in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/lock"):
        with suppress(OSError):
            if lock.parent.lstat().st_uid != os.getuid():
                continue
            with lock.open("rb") as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)


def _log_to_standard_error() -> None:
    """Send the supervisor's logs to standard error, unless the program has configured structlog itself."""
    import structlog

    from ..logs import lines_on_standard_error

    if not structlog.is_configured():
        structlog.configure(logger_factory=lines_on_standard_error())
