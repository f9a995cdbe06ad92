"""Chosen runs grouped: those of one experiment, which differ in their seed only, belong together."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..kernel.json import JsonObject
from ..store import Run
from .run_rows import called

SEED = "/training/seed"


@dataclass(frozen=True)
class RunGroup:
    """Runs of one experiment."""

    name: str
    runs: Sequence[Run]


@dataclass(frozen=True)
class Difference:
    """A field of the experiments that is not the same in all groups."""

    field: str
    values: Sequence[str]
    """Of each group; empty where the field is missing."""


def grouped(runs: Sequence[Run]) -> list[RunGroup]:
    """The groups in the order of their first runs."""
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(_experiment(run), []).append(run)
    taken: Counter[str] = Counter()
    groups = []
    for own in found.values():
        name = called(own[0]) if len(own) == 1 else _name(own)
        taken[name] += 1
        groups.append(RunGroup(name if taken[name] == 1 else f"{name} ({taken[name]})", own))
    return groups


def _experiment(run: Run) -> str:
    """What the runs of a group share: the experiment without its seed; an arm, if a program of its own trained them."""
    if run.origin != "service":
        return run.id if run.study_id is None else f"{run.study_id} {run.arm}"
    return json.dumps({key: value for key, value in fields_of(run.resolved_experiment).items() if key != SEED})


def _name(runs: Sequence[Run]) -> str:
    for name in (runs[0].arm, runs[0].name):
        if name and all(name in (run.arm, run.name) for run in runs):
            return name
    return runs[0].model or runs[0].id


def fields_of(experiment: JsonObject) -> dict[str, object]:
    """Each value of an experiment that is no object or list, by its JSON pointer, in alphabetical order."""
    found: dict[str, object] = {}
    open_: list[tuple[str, object]] = [("", experiment)]
    while open_:
        pointer, value = open_.pop()
        if isinstance(value, Mapping):
            open_ += [(f"{pointer}/{key}", each) for key, each in value.items()]
        elif isinstance(value, list):
            open_ += [(f"{pointer}/{index}", each) for index, each in enumerate(value)]
        else:
            found[pointer] = value
    return dict(sorted(found.items()))


def differences(groups: Sequence[RunGroup]) -> list[Difference]:
    """The fields in which the experiments of the groups differ, other than their seeds."""
    experiments = [fields_of(group.runs[0].resolved_experiment) for group in groups]
    fields = sorted({field for experiment in experiments for field in experiment} - {SEED})
    rows = (Difference(field, [_said(experiment, field) for experiment in experiments]) for field in fields)
    return [row for row in rows if len(set(row.values)) > 1]


def _said(experiment: Mapping[str, object], field: str) -> str:
    if field not in experiment:
        return ""
    value = experiment[field]
    if isinstance(value, float):
        return f"{value:.12g}"  # without the last bits of a product
    return value if isinstance(value, str) else json.dumps(value)
