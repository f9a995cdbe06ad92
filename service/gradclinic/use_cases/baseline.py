"""Pin runs as a named baseline, with their experiment and remedies, so that a check can repeat them."""

from collections.abc import Mapping, Sequence

from ..kernel.errors import InvalidSpec, Problem
from ..kernel.json import JsonObject
from ..regression import PinSpec
from ..store import Baseline, Created, NewPin, RunSummary
from .request_id import request_id
from .service import Service


def pin_baseline(service: Service, name: str, pin: PinSpec) -> Created[Baseline]:
    """Pin ended runs of one experiment, one per seed, under a name. Raises InvalidSpec for unsuitable runs.

    Does nothing if the name already points at these runs.
    """
    arm = None if pin.study_id is None else _arm(service, pin.study_id, pin.arm)
    at, runs = _found(service, pin, arm)
    _check(service, runs, at=at, listed=pin.run_ids is not None)
    runs = sorted(runs, key=lambda run: run.seed)
    new = NewPin(
        experiment=without_seed(service.store.runs.get(runs[0].id).experiment),
        remedies=list(runs[0].remedies),
        seeds=[run.seed for run in runs],
        run_ids=[run.id for run in runs],
        study_id=pin.study_id,
        check_id=pin.check_id,
        arm=arm,
        request_id=request_id(),
    )
    return service.store.baselines.pin(name, new)


def without_seed(experiment: JsonObject) -> JsonObject:
    """The experiment with seed 0, to compare experiments regardless of their seeds."""
    training = {**(experiment.get("training") or {}), "seed": 0}
    return {**experiment, "training": training}


def _arm(service: Service, study_id: str, asked: str | None) -> str:
    """The requested arm of a study without a sweep, or its only arm."""
    study = service.store.studies.get(study_id)
    names = [str(each["name"]) for each in study.arms]
    if asked is None and len(names) > 1:
        text = f"the study has {len(names)} arms; set `arm` to the one to pin"
        raise InvalidSpec.at("/arm", text, allowed=", ".join(names))
    if asked is not None and asked not in names:
        raise InvalidSpec.at("/arm", f"the study has no arm {asked!r}", value=asked, allowed=", ".join(names))
    if study.sweep:
        raise InvalidSpec.at(
            "/study_id",
            "the study has a sweep, and each of its points is another network",
            value=study_id,
            allowed="run_ids of a single sweep point",
        )
    return asked or names[0]


def _found(service: Service, pin: PinSpec, arm: str | None) -> tuple[str, list[RunSummary]]:
    """The place in the request that names the runs, and the runs."""
    if pin.study_id is not None:
        return "/study_id", [run for run in service.store.runs.of_study(pin.study_id) if run.arm == arm]
    if pin.check_id is not None:
        service.store.checks.get(pin.check_id)
        return "/check_id", service.store.checks.runs(pin.check_id)
    return "/run_ids", service.store.runs.get_many(list(pin.run_ids or ()))


def _check(service: Service, runs: Sequence[RunSummary], *, at: str, listed: bool) -> None:
    problems: list[Problem] = []
    seeds: dict[int, str] = {}
    for index, run in enumerate(runs):
        place = f"{at}/{index}" if listed else at
        wrong = _wrong(service, run, first=runs[0], seeds=seeds)
        if wrong is not None:
            problems.append(Problem(place, wrong[0], run.id, wrong[1]))
        seeds.setdefault(run.seed, run.id)
    if not runs:
        problems.append(Problem(at, "there are no runs", None, "runs that have ended"))
    if problems:
        raise InvalidSpec(problems)


def _wrong(service: Service, run: RunSummary, *, first: RunSummary, seeds: Mapping[int, str]) -> tuple[str, str] | None:
    """The reason why a run cannot be pinned, and what is allowed; None if it can be."""
    if run.origin != "service":
        return (
            f"the run {run.id} was trained by an external program, so a check cannot repeat it",
            "runs that this service trained",
        )
    if (without := _without_result(run)) is not None:
        return without
    if list(run.remedies) != list(first.remedies) or not _is_same_experiment(service, run, first):
        return (
            f"the run {run.id} has another experiment, or other remedies, than {first.id}",
            "runs that differ only in their seeds",
        )
    if run.seed in seeds:
        return f"the run {run.id} has the seed {run.seed}, as {seeds[run.seed]} has", "one run for each seed"
    return None


def _without_result(run: RunSummary) -> tuple[str, str] | None:
    """Why a run has nothing that a check can judge, and what is allowed; None if it has."""
    if not run.ended:
        return f"the run {run.id} is {run.status}; it has no result yet", "runs that have ended"
    if run.metrics is None:
        return f"the run {run.id} has {run.status} and has no metrics", "runs that succeeded, including diverged ones"
    if run.retention != "raw":
        return (
            f"of the statistics of the run {run.id}, only a part is kept, so new rules cannot judge it",
            "runs whose statistics are all kept",
        )
    return None


def _is_same_experiment(service: Service, run: RunSummary, other: RunSummary) -> bool:
    runs = service.store.runs
    return without_seed(runs.get(run.id).experiment) == without_seed(runs.get(other.id).experiment)
