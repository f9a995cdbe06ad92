"""One record of a training on several processes (DDP, FSDP2): rank 0 keeps it, the others add to it.

Gradients of weights, which DDP has averaged, are equal everywhere. Where weights are sharded (FSDP2), each process
records what adds up to those of the whole weights (`measure/parts.py`). Losses and layer outputs are those of a
process's own samples; they are combined by step. They go through the store of the process group as messages, without a
collective: no process waits for another within a step, and none hangs if another has ended.
"""

import base64
import io
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Protocol

import numpy as np
from torch import nn

from gradclinic.measurements.record import Series
from gradclinic.measurements.recording import Declaration, Ending
from gradclinic.measurements.statistics import STATISTICS

from ..measure.parts import ADD_AS_SQUARES
from ..model.compiled import is_data_parallel
from ..model.placement import is_split
from .rank_facts import RankComparison
from .sink import Keeper

_numbers = count()
"""Every process makes its recordings in the same order, so that the same number is the same training."""


class Store(Protocol):
    """The messages of a process group, by key; torch's own type has no public name."""

    def set(self, key: str, value: str, /) -> None: ...
    def get(self, key: str, /) -> bytes: ...
    def check(self, keys: list[str], /) -> bool: ...
    def delete_key(self, key: str, /) -> bool: ...


@dataclass(frozen=True)
class Processes:
    """The processes that train copies of one model, and where they leave messages."""

    rank: int
    size: int
    store: Store
    sharded: bool = False
    """Whether parameters are sharded, so that norms of weights and gradients are those of parts."""

    @classmethod
    def of(cls, model: nn.Module) -> "Processes | None":
        """Those that DDP, or FSDP2, trains this model in; None if it is trained in this one alone."""
        parallel = any(is_data_parallel(module) for module in model.modules())
        sharded = any(is_split(each) for each in model.parameters())
        if not parallel and not sharded:
            return None
        from torch.distributed import distributed_c10d as group

        size, prefix = group.get_world_size(), f"gradclinic/{next(_numbers)}"
        if size == 1:
            return None
        return cls(group.get_rank(), size, group.PrefixStore(prefix, group._get_default_store()), sharded)

    def keeper(self, own: Keeper) -> Keeper:
        """What keeps the records of this process: in rank 0 its own keeper, which then gets those of all."""
        return Combined(self, own) if self.rank == 0 else Parts(self)


class Parts:
    """Keeps nothing, and leaves what this process has seen to rank 0."""

    def __init__(self, processes: Processes) -> None:
        self._rank, self._store, self._sent = processes.rank, processes.store, 0
        self._store.set(f"{self._rank}/records", "")

    def declared(self, declaration: Declaration) -> None:
        self._store.set(f"{self._rank}/samples", str(declaration.batch_size))

    def took(self, step: int, series: dict[str, Series]) -> str | None:
        self._store.set(f"{self._rank}/{self._sent}", _written(series))
        self._sent += 1
        return None

    def ended(self, ending: Ending, *, patience_s: float) -> None:
        self._store.set(f"{self._rank}/ended", str(self._sent))


class Combined:
    """Adds the parts of the other processes to those of rank 0; holds back the steps that one has not reported yet."""

    def __init__(self, processes: Processes, keeper: Keeper) -> None:
        self._store, self._size, self._keeper = processes.store, processes.size, keeper
        self._sharded = processes.sharded
        self._received: dict[int, int] = {}
        """By rank of the others that record: the number of its messages that were read."""
        self._rows: dict[int, dict[str, dict[int, np.ndarray]]] = {0: {}}
        """By rank and statistic: the rows of the steps that were not passed on yet."""
        self._last: dict[int, int] = {}
        """By rank: its last step with a loss."""
        self._comparison = RankComparison()

    def declared(self, declaration: Declaration) -> None:
        others = [rank for rank in range(1, self._size) if self._store.check([f"{rank}/records"])]
        self._received = dict.fromkeys(others, 0)
        self._rows.update({rank: {} for rank in others})
        notes = declaration.environment.get("notes")
        if len(others) + 1 < self._size and isinstance(notes, list):
            norms = ", and nothing is known of weights and their gradients" if self._sharded else ""
            notes.append(
                f"{len(others) + 1} of {self._size} processes record:"
                f" losses and layer outputs are of their samples{norms}"
            )
        samples = declaration.batch_size * (len(others) + 1)
        self._keeper.declared(declaration.model_copy(update={"batch_size": samples}))

    def took(self, step: int, series: dict[str, Series]) -> str | None:
        self._add(0, series)
        self._receive()
        return self._pass_on(step, until=min(self._last.get(rank, -1) for rank in self._rows))

    def ended(self, ending: Ending, *, patience_s: float) -> None:
        until = time.monotonic() + patience_s
        while self._missing() and time.monotonic() < until:
            time.sleep(0.01)
        self._receive()
        last = max(self._last.values(), default=-1)
        self._pass_on(last + 1, until=last + 1)
        self._keeper.ended(ending.model_copy(update={"ranks": self._comparison.facts()}), patience_s=patience_s)

    def _missing(self) -> bool:
        return any(not self._store.check([f"{rank}/ended"]) for rank in self._received)

    def _receive(self) -> None:
        for rank in self._received:
            while self._store.check([key := f"{rank}/{self._received[rank]}"]):
                self._add(rank, _read(self._store.get(key)))
                self._store.delete_key(key)
                self._received[rank] += 1

    def _add(self, rank: int, series: Mapping[str, Series]) -> None:
        for name, each in series.items():
            rows = self._rows[rank].setdefault(name, {})
            rows.update(zip((int(step) for step in each.steps), each.values, strict=True))
            if name == "train_loss" and len(each):
                self._last[rank] = int(each.steps[-1])

    def _compare(self, *, until: int) -> None:
        """Compare the processes in the steps up to this one that all of them have recorded."""
        for name, add in (("train_loss", self._comparison.losses), ("site_grad_rms", self._comparison.gradients)):
            rows = {rank: known.get(name, {}) for rank, known in self._rows.items()}
            for step in sorted(set.intersection(*(set(known) for known in rows.values()))):
                if step <= until:
                    add({rank: known[step] for rank, known in rows.items()})

    def _pass_on(self, step: int, *, until: int) -> str | None:
        if len(self._rows) > 1:
            self._compare(until=until)
        combined: dict[str, Series] = {}
        for name, own in self._rows[0].items():
            found = {each: self._combined(name, each) for each in sorted(own) if each <= until}
            rows = {each: row for each, row in found.items() if row is not None}
            if rows:
                combined[name] = Series(np.asarray(list(rows), np.int32), np.stack(list(rows.values())))
        for rank in self._rows:
            self._rows[rank] = {
                name: {each: row for each, row in rows.items() if each > until}
                for name, rows in self._rows[rank].items()
            }
        return self._keeper.took(step, combined) if combined else None

    def _combined(self, name: str, step: int) -> np.ndarray | None:
        """The row of a step from those of the processes; None if one of several parts is missing."""
        rows = self._at(name, step)
        if not self._sharded or not _is_of_parts(name):
            return _combine(name, rows)
        return _joined(name, rows, norms=self._at("weight_norm_l2", step)) if len(rows) == self._size else None

    def _at(self, name: str, step: int) -> list[np.ndarray]:
        return [known[step] for rank in self._rows if step in (known := self._rows[rank].get(name, {}))]


def _is_of_parts(name: str) -> bool:
    return STATISTICS[name].per == "weight" or name in _NORMS_OF_RUN


def _joined(name: str, parts: Sequence[np.ndarray], *, norms: Sequence[np.ndarray]) -> np.ndarray:
    """The row of whole weights from those of their parts. norms: those of the parts of the weights in that step.

    Squares of norms add up, and so do those of a step's size: the ratio to the norm, times the norm.
    """
    rows = np.stack(parts).astype(np.float64)
    if name in ADD_AS_SQUARES or name in _NORMS_OF_RUN:
        found = np.sqrt((rows**2).sum(axis=0))
    elif name == "update_to_weight_ratio":
        of_weights = np.stack(norms).astype(np.float64)
        moved = np.nan_to_num(rows * of_weights, nan=0.0, posinf=np.inf)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.sqrt((moved**2).sum(axis=0) / (of_weights**2).sum(axis=0))
    else:
        found = rows.max(axis=0) if name.endswith("_max_abs") else rows.sum(axis=0)
    joined: np.ndarray = found.astype(np.float32)
    return joined


_NORMS_OF_RUN = ("grad_norm_l2", "grad_norm_l2_clipped", "embedding_norm_l2")

_Combine = Callable[[np.ndarray], np.ndarray]


def _combine(name: str, rows: Sequence[np.ndarray]) -> np.ndarray:
    """One row from those of the processes, rank 0 first.

    Each process has as many samples, and computes the mean loss of its own. So a mean is the mean of the means, and an
    RMS the root of the mean square; the gradient at a site is recorded for the loss of one sample. Of a standard
    deviation over the batch, the mean is a little too small, and a unit that is off in all processes is off in each.
    """
    if len({row.shape for row in rows}) > 1 or (STATISTICS[name].per != "site" and name != "train_loss"):
        return rows[0]
    stacked = np.stack(rows).astype(np.float64)
    combined: np.ndarray = _way(name)(stacked).astype(np.float32)
    return combined


def _way(name: str) -> _Combine:
    if name.endswith("_rms"):
        return lambda rows: np.sqrt((rows**2).mean(axis=0))
    if name.endswith(("_max_abs", "_max")):
        return lambda rows: rows.max(axis=0)
    if name.endswith("_count"):
        return lambda rows: rows.sum(axis=0)
    if name == "dead_fraction":
        return lambda rows: rows.min(axis=0)
    return lambda rows: rows.mean(axis=0)


def _written(series: Mapping[str, Series]) -> str:
    arrays = {f"{name}/{part}": getattr(each, part) for name, each in series.items() for part in ("steps", "values")}
    with io.BytesIO() as file:
        np.savez(file, **arrays)
        return base64.b64encode(file.getvalue()).decode()


def _read(message: bytes) -> dict[str, Series]:
    with np.load(io.BytesIO(base64.b64decode(message)), allow_pickle=False) as arrays:
        names = {key.rpartition("/")[0] for key in arrays}
        return {name: Series(arrays[f"{name}/steps"], arrays[f"{name}/values"]) for name in names}
