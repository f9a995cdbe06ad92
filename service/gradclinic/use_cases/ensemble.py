"""Decide which of the runs that are submitted together are trained together."""

from collections.abc import Sequence
from dataclasses import replace

from ..measurements.ensemble import grouped
from ..store import NewRun
from ..store.identifiers import new_id
from .service import Service


def with_ensembles(service: Service, runs: Sequence[NewRun]) -> list[NewRun]:
    """The runs, each with the ensemble that it is a lane of; a worker claims those of one ensemble together."""
    settings = service.settings
    forms = [run.form if run.queue == "cpu" else None for run in runs]
    numbers = grouped(forms, most=settings.max_lanes, memory_bytes=settings.max_memory_bytes // 2)
    names = {number: new_id("ensemble") for number in set(numbers.values())}
    return [replace(run, ensemble=names[numbers[place]]) if place in numbers else run for place, run in enumerate(runs)]
