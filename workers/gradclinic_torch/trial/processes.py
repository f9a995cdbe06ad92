"""The processes that train the arms of a study together, as `torchrun` starts them.

Each trains the same arm at the same time, on its own part of the data (`DistributedDataParallel`). The first one alone
talks to the service, and tells the others what it answered.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from gradclinic.kernel.errors import InvalidRequest

from ..model.compiled import is_data_parallel
from ..model.placement import is_split
from ..sinks.process_group import Store

Told = TypeVar("Told", bound=str | int | bool | list[int] | None)
_numbers = count()
"""Every process makes its studies in the same order, so that the same number is the same study."""


@dataclass(frozen=True)
class Processes:
    """Those of torch's default process group; one without it."""

    rank: int
    size: int
    store: Store | None
    _tellings: "count[int]" = field(default_factory=count)

    @classmethod
    def now(cls) -> "Processes":
        """The processes that this one belongs to."""
        if not (distributed.is_available() and distributed.is_initialized()) or distributed.get_world_size() == 1:
            return cls(0, 1, None)
        from torch.distributed import distributed_c10d as group

        store = group.PrefixStore(f"gradclinic/study/{next(_numbers)}", group._get_default_store())
        return cls(distributed.get_rank(), distributed.get_world_size(), store)

    @property
    def alone(self) -> bool:
        """Whether there is only this process."""
        return self.store is None

    @property
    def is_first(self) -> bool:
        """Whether this process talks to the service."""
        return self.rank == 0

    def first(self, make: Callable[[], Told]) -> Told:
        """What the first process makes, in all of them; raises RuntimeError in the others if it fails."""
        if self.store is None:
            return make()
        key = str(next(self._tellings))
        if not self.is_first:
            told = json.loads(self.store.get(key))
            if "failed" in told:
                raise RuntimeError(f"the first process failed: {told['failed']}")
            made: Told = told["made"]
            return made
        try:
            made = make()
        except BaseException as error:
            self.store.set(key, json.dumps({"failed": f"{type(error).__name__}: {error}"}))
            raise
        self.store.set(key, json.dumps({"made": made}))
        return made

    def parallel(self, model: nn.Module) -> nn.Module:
        """The model as all processes train it together; unchanged in one process."""
        return model if self.alone else DistributedDataParallel(model)

    def is_finite(self, loss: Tensor) -> bool:
        """Whether the losses of all processes are finite."""
        finite = torch.isfinite(loss.detach()).all().float()
        if not self.alone:
            distributed.all_reduce(finite, op=distributed.ReduceOp.MIN)
        return bool(finite)


def within(model: nn.Module) -> nn.Module:
    """The model that was given to `parallel`."""
    return model.module if isinstance(model, DistributedDataParallel) else model


def check_plain(model: nn.Module) -> None:
    """Raise InvalidRequest for a model that already trains in several processes, and so cannot be changed."""
    if is_data_parallel(model) or any(is_split(each) for each in model.parameters()):
        raise InvalidRequest.at(
            "/build",
            "the model is already wrapped to train in several processes, and a remedy could not change it",
            allowed="the model itself; the study wraps it with DistributedDataParallel",
        )
