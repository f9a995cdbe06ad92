"""On which kind of device runs train: decided when they are submitted, once for all runs that are compared.

A worker with a GPU and one without would round differently. So the arms of one study, and all rounds of one search,
train on one kind of device, and a check trains where its baseline trained.
"""

from collections.abc import Iterable
from typing import Literal

from ..store import RunSummary
from .service import Service

QueueName = Literal["cpu", "gpu"]


def queue_for(device: Literal["auto", "cpu", "cuda"], *, auto: QueueName) -> QueueName:
    """The queue of a run that asks for this device; `auto` is the one for `training.device: auto`."""
    return auto if device == "auto" else "gpu" if device == "cuda" else "cpu"


def queue_of_new(service: Service) -> QueueName:
    """The queue for `auto`: "gpu" while a worker that serves it is alive, and "cpu" otherwise."""
    alive = service.store.reconciliation.workers(seen_within_s=service.settings.lease_ttl_s)
    return "gpu" if any("gpu" in worker.queue.split(",") for worker in alive) else "cpu"


def queue_beside(service: Service, runs: Iterable[RunSummary]) -> QueueName:
    """The queue for `auto` of runs that are compared with stored ones: where the first of these trains or trained."""
    first = next(iter(runs), None)
    if first is None:
        return queue_of_new(service)
    trained_on = str((first.environment or {}).get("device", ""))
    return "gpu" if trained_on.startswith("cuda") or (not trained_on and first.queue == "gpu") else "cpu"
