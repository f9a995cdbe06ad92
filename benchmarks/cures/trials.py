"""Diagnoses one broken training, and tries remedies on it."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gradclinic.comparison import RunResult
from gradclinic.diagnosis import Diagnosis, diagnose
from gradclinic.experiments.experiment import Experiment
from gradclinic.experiments.lowering import lower
from gradclinic.kernel.errors import InvalidRequest
from gradclinic.measurements.metrics import metrics_of
from gradclinic.measurements.record import RunRecord
from gradclinic.remedies import Remedy
from gradclinic.remedies.evidence import Kind
from gradclinic.remedies.network import Network
from gradclinic.remedies.pool import name_of, pool
from gradclinic_workers.train.fit import train

SEEDS = (0, 1)
_UNDOING = frozenset(
    {
        "change_loss",
        "change_output_activation",
        "change_schedule",
        "lower_dropout",
        "lower_weight_decay",
        "raise_precision",
        "remove_clipping",
        "replace_batch_norm",
        "set_forget_bias",
        "standardize_inputs",
        "standardize_targets",
        "use_pre_norm",
    }
)
"""Remedies that take back something which few trainings declare."""


@dataclass(frozen=True)
class Broken:
    """A training that did not learn without a remedy, with its diagnosis."""

    experiment: Experiment
    record: RunRecord
    diagnosis: Diagnosis

    @property
    def network(self) -> Network:
        """What the choice of remedies depends on."""
        return Network.declared(self.experiment)

    @property
    def kind(self) -> Kind:
        """For what kind of training its cures count."""
        first = self.diagnosis.findings[0]
        return first.condition, first.blames[0] if first.blames else "", self.network.family


def trained(experiment: Experiment, *, seed: int) -> tuple[RunRecord, RunResult]:
    """The record of a training with this seed, and its result."""
    record = train(experiment.with_seed(seed))
    diagnosis = diagnose(record, experiment=experiment)
    return record, RunResult("run", "arm", seed, metrics=metrics_of(record), diagnosis=diagnosis)


def is_cured(result: RunResult) -> bool:
    """Whether the network learned without harm, as a prescription requires of a cure."""
    return result.learned and not result.harmful


def broken(experiment: Experiment) -> Broken | None:
    """The training with its diagnosis; None if it learns without a remedy."""
    record, result = trained(experiment, seed=SEEDS[0])
    if is_cured(result) or not result.harmful or result.diagnosis is None:
        return None
    return Broken(experiment, record, result.diagnosis)


def cures(remedy: Remedy, experiment: Experiment) -> bool:
    """Whether the network learned without harm on every seed with the remedy."""
    changed = remedy.apply(experiment)
    return all(is_cured(trained(changed, seed=seed)[1]) for seed in SEEDS)


def applicable(experiment: Experiment, remedies: Iterable[Remedy]) -> list[Remedy]:
    """Those that change the experiment into one that can be trained, each result once."""
    found: dict[Experiment, Remedy] = {}
    for remedy in remedies:
        try:
            changed = remedy.apply(experiment)
            lower(changed)
        except InvalidRequest:
            continue
        if changed != experiment:
            found.setdefault(changed, remedy)
    return list(found.values())


def chosen(sick: Broken, *, tries: int | None, seed: int) -> Sequence[Remedy]:
    """The remedies to try: all that apply, or so many: those suggested for any finding, those that undo what few
    trainings have, and then others at random.
    """
    network = sick.network
    suggested = [each for finding in sick.diagnosis.findings for each in finding.suggested_remedies]
    named = [each for each in suggested if name_of(each, network) is not None]
    others = list(pool(network).values())
    random.Random(seed).shuffle(others)  # nothing secret is drawn
    others.sort(key=lambda remedy: remedy.kind not in _UNDOING)
    return applicable(sick.experiment, [*named, *others])[:tries]
