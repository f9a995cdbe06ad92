"""Candidates of the search: first from the diagnosis, then variations of the best candidates.

A candidate has at most one component on each of three axes: the network's structure, its initialization, and its
steps (learning rate, optimizer, clipping). Their order follows the mechanism of the condition. Only trials decide
which candidate is best.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

from ..diagnosis.rules import RULES
from ..experiments.experiment import Experiment
from ..experiments.lowering import lower
from ..kernel.errors import InvalidRequest
from ..kernel.spec import Spec
from ..remedies import Remedy
from ..remedies.network import Network
from ..remedies.train_longer import TrainLonger
from .ideas import start_changes, step_changes, structure_changes

Remedies = tuple[Remedy, ...]
Axis = Literal["structure", "start", "steps"]

_START = frozenset({"set_forget_bias", "set_initialization", "scale_residual_branches"})
_STEPS = frozenset(
    {
        "add_warmup",
        "change_optimizer",
        "change_schedule",
        "clip_gradients",
        "lower_learning_rate",
        "remove_clipping",
        "set_learning_rate",
    }
)


@dataclass(frozen=True)
class Candidate:
    """Remedies in the order in which they are applied, and the resulting experiment."""

    remedies: Remedies
    experiment: Experiment

    @property
    def name(self) -> str:
        """A short name for people; different candidates have different names."""
        return " + ".join(label(remedy) for remedy in self.remedies)

    def steps(self, steps: int) -> int:
        """The steps of a run that takes `steps` where no remedy changes how long a training is."""
        return max(1, round(steps * prod(each.factor for each in self.remedies if isinstance(each, TrainLonger))))


def label(remedy: Remedy) -> str:
    """A remedy in a few words: its kind, and the fields that were set."""
    knobs = _knobs(remedy)
    return f"{remedy.kind}({', '.join(knobs)})" if knobs else remedy.kind


_TAGS = ("kind", "name", "scheme")


def _knobs(spec: Spec) -> list[str]:
    """The fields that differ from their defaults; for nested specs, also the tag."""
    fields = type(spec).model_fields
    changed = {name: getattr(spec, name) for name in fields if getattr(spec, name) != fields[name].default}
    return [_knob(name, value) for name, value in changed.items() if name not in _TAGS]


def _knob(name: str, value: Any) -> str:
    if isinstance(value, Spec):
        tag = next(str(getattr(value, each)) for each in _TAGS if each in type(value).model_fields)
        return " ".join([tag, *_knobs(value)])
    return f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"


def candidate(experiment: Experiment, remedies: Sequence[Remedy]) -> Candidate | None:
    """The experiment with the remedies; None if one does not apply, the result is invalid, or nothing changed."""
    changed = experiment
    try:
        for remedy in remedies:
            changed = remedy.apply(changed)
        lower(changed)
    except InvalidRequest:
        return None
    return Candidate(tuple(remedies), changed) if changed != experiment else None


def first_candidates(
    experiment: Experiment, conditions: Sequence[str], suggested: Sequence[Remedy] = ()
) -> list[Candidate]:
    """The first candidates against these conditions: suggestions of the diagnosis, then combinations; no duplicates."""
    network = Network.declared(experiment)
    lists: list[Iterable[Sequence[Remedy]]] = [[[each] for each in suggested]]
    lists += [RULES[condition].combinations(network) for condition in conditions if condition in RULES]
    return list(_distinct(experiment, _interleaved(lists)))


def neighbours(experiment: Experiment, best: Sequence[Candidate], *, restless: bool) -> list[Candidate]:
    """Candidates that differ from the best in one component: one more, or a different one on the same axis.

    The learning rate comes first, because structural remedies often require retuning it (downwards if `restless`).
    """
    network = Network.declared(experiment)
    changes = (*step_changes(restless=restless), *structure_changes(network), *start_changes(network))
    return list(_distinct(experiment, _around(best, changes)))


def simpler(experiment: Experiment, of: Candidate) -> list[Candidate]:
    """For each remedy of the candidate, the candidate without it."""
    lists = ([*of.remedies[:index], *of.remedies[index + 1 :]] for index in range(len(of.remedies)))
    return list(_distinct(experiment, lists))


def _axis(remedy: Remedy) -> Axis:
    if remedy.kind in _STEPS:
        return "steps"
    return "start" if remedy.kind in _START else "structure"


def _around(best: Sequence[Candidate], changes: Sequence[Remedy]) -> Iterator[list[Remedy]]:
    """Each change applied to each of the best, alternating, the best one first."""
    for change in changes:
        for each in best:
            yield _ordered([*(kept for kept in each.remedies if not _replaces(change, kept)), change])


def _replaces(new: Remedy, old: Remedy) -> bool:
    return new.kind == old.kind or (_axis(new) == _axis(old) != "structure")


def _ordered(remedies: Iterable[Remedy]) -> list[Remedy]:
    order: Mapping[Axis, int] = {"structure": 0, "start": 1, "steps": 2}
    return sorted(remedies, key=lambda remedy: order[_axis(remedy)])


def _interleaved(lists: Sequence[Iterable[Sequence[Remedy]]]) -> Iterator[Sequence[Remedy]]:
    """The lists' first items, then their second ones, and so on."""
    waiting = [iter(each) for each in lists]
    while waiting:
        for each in list(waiting):
            item = next(each, None)
            if item is None:
                waiting.remove(each)
            else:
                yield item


def _distinct(experiment: Experiment, lists: Iterable[Sequence[Remedy]]) -> Iterator[Candidate]:
    seen = {experiment}
    for remedies in lists:
        found = candidate(experiment, remedies)
        if found is not None and found.experiment not in seen:
            seen.add(found.experiment)
            yield found
