"""Checkpoint files, written atomically (temporary file, fsync, rename). The database decides which one is current.

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
    """The checkpoints in one folder, which workers on several machines may share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, lease: Lease, *, step: int, state: bytes) -> CheckpointPointer:
        """Write a checkpoint durably, under a name that only this attempt uses."""
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
        except OSError:  # a partial file would only keep a full disk full
            beside.unlink(missing_ok=True)
            raise
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return CheckpointPointer(name, step, hashlib.sha256(state).hexdigest(), len(state))

    def load(self, pointer: CheckpointPointer) -> bytes:
        """The stored state; raises CheckpointUnusable."""
        try:
            state = (self._folder / pointer.name).read_bytes()
        except OSError as error:
            raise CheckpointUnusable(f"the checkpoint of step {pointer.step} cannot be read here") from error
        if hashlib.sha256(state).hexdigest() != pointer.sha256:
            raise CheckpointUnusable(f"the checkpoint of step {pointer.step} is damaged")
        return state

    def keep_only(self, pointer: CheckpointPointer) -> None:
        """Remove a run's older checkpoints once the database points to a newer one."""
        kept = self._folder / pointer.name
        for path in kept.parent.glob("*"):
            if path != kept:
                path.unlink(missing_ok=True)

    def drop(self, run_id: str) -> None:
        """Remove all checkpoints of a run that has ended."""
        shutil.rmtree(self._folder / run_id, ignore_errors=True)

    def drop_ended(self, unfinished: Callable[[list[str]], set[str]]) -> None:
        """Remove the checkpoints of all runs except those in `unfinished`; the others have ended or were deleted."""
        stored = self.run_ids()
        for run_id in set(stored) - unfinished(stored):
            self.drop(run_id)

    def run_ids(self) -> list[str]:
        """The runs that have checkpoints in the folder."""
        if not self._folder.is_dir():
            return []
        return [path.name for path in self._folder.iterdir() if path.is_dir()]
