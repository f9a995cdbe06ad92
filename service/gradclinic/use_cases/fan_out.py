"""Runs that differ only in their seed. They share everything else, and their total size is limited."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ..kernel.amounts import bytes_in_words
from ..kernel.errors import TooLarge
from ..kernel.json import JsonObject
from ..measurements.estimate import Limits
from ..store import NewRun
from .idempotency import digest


@dataclass
class DocumentBudget:
    """Counts the bytes of the experiments of a study or a check; they are stored once per run."""

    limits: Limits
    seeds: int
    """Number of runs with the same experiment."""
    at: str
    """JSON pointer to the seeds in the request."""
    spent_bytes: int = 0

    def spend(self, documents: Iterable[JsonObject]) -> None:
        """Count documents once per seed; raises TooLarge."""
        self.spent_bytes += self.seeds * sum(len(json.dumps(document)) for document in documents)
        if self.spent_bytes > self.limits.study_bytes:
            raise TooLarge.at(
                self.at,
                f"the experiments of all runs take {bytes_in_words(self.spent_bytes)} or more",
                value=self.seeds,
                allowed=f"at most {bytes_in_words(self.limits.study_bytes)}: fewer runs, or a smaller experiment",
            )


def with_seeds(runs: Sequence[NewRun], seeds: Sequence[int]) -> list[NewRun]:
    """Each run with each seed, seed by seed, so that a study that is read early has whole rounds."""
    return [_with_seed(run, seed) for seed in seeds for run in runs]


def _with_seed(run: NewRun, seed: int) -> NewRun:
    resolved = _document_with_seed(run.resolved_experiment, seed)
    posted = _document_with_seed(run.experiment, seed)
    return replace(run, experiment=posted, resolved_experiment=resolved, digest=digest(resolved), seed=seed)


def _document_with_seed(experiment: JsonObject, seed: int) -> JsonObject:
    return {**experiment, "training": {**experiment["training"], "seed": seed}}
