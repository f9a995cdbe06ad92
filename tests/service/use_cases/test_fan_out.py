import pytest

from gradclinic.experiments.experiment import Experiment
from gradclinic.kernel.errors import TooLarge
from gradclinic.measurements.estimate import Limits, estimate
from gradclinic.use_cases.experiment import Resolved
from gradclinic.use_cases.fan_out import DocumentBudget, with_seeds
from gradclinic.use_cases.run import new_run

from ..api.examples import experiment

LIMITS = Limits(
    parameters=1, steps=1, memory_bytes=1, stored_bytes=1, runs_per_study=1, study_bytes=1000, flops=1
)  # fmt: skip


def resolved(trained: Experiment) -> Resolved:
    return Resolved(trained, trained, estimate(trained))


def test_runs_that_differ_in_their_seed_are_those_that_were_made_one_by_one() -> None:
    posted = Experiment.model_validate(experiment())
    trained = posted.with_seed(7)
    one_by_one = [
        new_run(
            resolved(trained.with_seed(seed)), posted=posted.with_seed(seed), remedies=(), labels={"a": "b"}, auto="cpu"
        )
        for seed in (3, 5)
    ]
    assert (
        with_seeds([new_run(resolved(trained), posted=posted, remedies=(), labels={"a": "b"}, auto="cpu")], [3, 5])
        == one_by_one
    )


def test_runs_with_other_seeds_share_the_network_of_their_experiment() -> None:
    posted = Experiment.model_validate(experiment())
    first, second = with_seeds([new_run(resolved(posted), posted=posted, remedies=(), labels={}, auto="cpu")], [3, 5])
    assert first.experiment["model"] is second.experiment["model"]
    assert first.digest != second.digest


def test_documents_count_once_for_each_seed() -> None:
    DocumentBudget(LIMITS, seeds=9, at="/seeds").spend([{"a": "x" * 90}])  # 99 bytes
    with pytest.raises(TooLarge) as caught:
        DocumentBudget(LIMITS, seeds=11, at="/seeds").spend([{"a": "x" * 90}])
    (problem,) = caught.value.problems
    assert (problem.pointer, problem.value) == ("/seeds", 11)
    assert "at most 1.0 kB" in str(problem.allowed)
