"""Resume states as files: written beside, synced, renamed. Which of them counts is decided in SQL.

<checkpoint_dir>/<run id>/<attempt>-<step>.pt
"""

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import structlog

from .kernel.errors import CheckpointUnusable
from .store import CheckpointPointer, Lease

log = structlog.get_logger(__name__)


class Checkpoints:
    """The resume states in one folder, which may be shared by workers on several machines."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, lease: Lease, *, step: int, state: bytes) -> CheckpointPointer:
        """Write a state durably, under a name that no other attempt writes."""
        name = f"{lease.run_id}/{lease.attempt}-{step}.pt"
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".tmp")
        try:
            with beside.open("wb") as file:
                file.write(state)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        except OSError:  # half of it would only keep a full disk full
            beside.unlink(missing_ok=True)
            raise
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return CheckpointPointer(name, step, hashlib.sha256(state).hexdigest(), len(state))

    def load(self, pointer: CheckpointPointer) -> bytes:
        """The state that was written; raises CheckpointUnusable."""
        try:
            state = (self._folder / pointer.name).read_bytes()
        except OSError as error:
            raise CheckpointUnusable(f"the checkpoint of step {pointer.step} cannot be read here") from error
        if hashlib.sha256(state).hexdigest() != pointer.sha256:
            raise CheckpointUnusable(f"the checkpoint of step {pointer.step} is damaged")
        return state

    def keep_only(self, pointer: CheckpointPointer) -> None:
        """Remove a run's older states, now that SQL points to a newer one."""
        kept = self._folder / pointer.name
        for path in kept.parent.glob("*"):
            if path != kept:
                path.unlink(missing_ok=True)

    def drop(self, run_id: str) -> None:
        """Remove a run's states; it has ended."""
        shutil.rmtree(self._folder / run_id, ignore_errors=True)

    def drop_ended(self, unfinished: Callable[[list[str]], set[str]]) -> None:
        """Remove the states of all runs but those that `unfinished` names: the others ended elsewhere, or are gone."""
        stored = self.run_ids()
        for run_id in set(stored) - unfinished(stored):
            self.drop(run_id)

    def run_ids(self) -> list[str]:
        """The runs that have states here."""
        if not self._folder.is_dir():
            return []
        return [path.name for path in self._folder.iterdir() if path.is_dir()]
