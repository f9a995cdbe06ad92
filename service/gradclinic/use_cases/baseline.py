"""Pin a result set under a baseline's name: which runs, and what they were made with, so that a check can repeat it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..comparison.arms import BASELINE
from ..kernel.errors import InvalidSpec, Problem
from ..store import Baseline, Created, NewPin, Run
from .request_id import request_id
from .service import Service


@dataclass(frozen=True)
class PinPlan:
    """What a baseline shall point at: an arm of a study, the runs of a check, or runs by name."""

    study_id: str | None = None
    arm: str | None = None
    """Of the study; None is the arm `baseline`."""
    check_id: str | None = None
    run_ids: Sequence[str] | None = None


def pin_baseline(service: Service, name: str, plan: PinPlan) -> Created[Baseline]:
    """Have a name point at ended runs of one experiment, one a seed; raises InvalidSpec with the places of all others.

    Replayed where it points at them already.
    """
    at, runs = _found(service, plan)
    _check(runs, at=at, listed=plan.run_ids is not None)
    runs = sorted(runs, key=lambda run: run.seed)
    new = NewPin(
        experiment=without_seed(runs[0].experiment),
        remedies=list(runs[0].remedies),
        seeds=[run.seed for run in runs],
        run_ids=[run.id for run in runs],
        study_id=plan.study_id,
        check_id=plan.check_id,
        arm=(plan.arm or BASELINE) if plan.study_id is not None else None,
        request_id=request_id(),
    )
    return service.store.baselines.pin(name, new)


def without_seed(experiment: Mapping[str, Any]) -> dict[str, Any]:
    """An experiment whatever its training's seed, which is 0 then."""
    training = {**(experiment.get("training") or {}), "seed": 0}
    return {**experiment, "training": training}


def _found(service: Service, plan: PinPlan) -> tuple[str, list[Run]]:
    """The place in the request that names the runs, and the runs."""
    if plan.study_id is not None:
        return "/study_id", _of_study(service, plan.study_id, plan.arm)
    if plan.check_id is not None:
        service.store.checks.get(plan.check_id)
        return "/check_id", service.store.checks.runs(plan.check_id)
    return "/run_ids", service.store.runs.get_many(list(plan.run_ids or ()))


def _of_study(service: Service, study_id: str, arm: str | None) -> list[Run]:
    study = service.store.studies.get(study_id)
    names = [str(each["name"]) for each in study.arms]
    chosen = arm or BASELINE
    if chosen not in names:
        raise InvalidSpec.at("/arm", f"the study has no arm {chosen!r}", value=chosen, allowed=", ".join(names))
    if study.sweep:
        raise InvalidSpec.at(
            "/study_id",
            "the study was swept, and each point of a sweep is another network",
            value=study_id,
            allowed="run_ids of one point",
        )
    return [run for run in service.store.runs.of_study(study_id) if run.arm == chosen]


def _check(runs: Sequence[Run], *, at: str, listed: bool) -> None:
    problems: list[Problem] = []
    seeds: dict[int, str] = {}
    for index, run in enumerate(runs):
        place = f"{at}/{index}" if listed else at
        wrong = _wrong(run, runs[0], seeds)
        if wrong is not None:
            problems.append(Problem(place, wrong[0], run.id, wrong[1]))
        seeds.setdefault(run.seed, run.id)
    if not runs:
        problems.append(Problem(at, "there are no runs here", None, "runs that have ended"))
    if problems:
        raise InvalidSpec(problems)


def _wrong(run: Run, first: Run, seeds: Mapping[int, str]) -> tuple[str, str] | None:
    """What keeps a run from being pinned, and what is allowed."""
    if run.origin != "service":
        return f"the run {run.id} was trained elsewhere, where no check can repeat it", "runs that this service trained"
    if not run.ended:
        return f"the run {run.id} is {run.status}; it has no result yet", "runs that have ended"
    if run.metrics is None:
        return f"the run {run.id} has {run.status} and has no metrics", "runs that succeeded, diverged ones included"
    if without_seed(run.experiment) != without_seed(first.experiment) or list(run.remedies) != list(first.remedies):
        return (
            f"the run {run.id} trained another experiment, or other remedies, than {first.id}",
            "runs that differ in their seed only",
        )
    if run.seed in seeds:
        return f"the run {run.id} has the seed {run.seed}, as {seeds[run.seed]} has", "one run for each seed"
    return None
