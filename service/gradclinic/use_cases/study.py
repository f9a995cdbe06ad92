"""Accept a study: resolve its runs, check them against the limits, store them, and queue them."""

from collections.abc import Sequence
from math import prod

import jsonpatch

from ..comparison.arms import BASELINE, CONTROL
from ..comparison.recorded_study import RecordedArm
from ..comparison.study import ArmSpec, StudySpec
from ..experiments.sweep import SweepPoint, expand_sweep
from ..kernel.errors import InvalidRequest, InvalidSpec, Problem, TooLarge
from ..kernel.json import JsonObject
from ..prescription.random_remedy import random_remedy
from ..store import Created, Idempotency, NewRun, NewStudy, Study
from .ensemble import with_ensembles
from .experiment import Resolved, resolve
from .fan_out import DocumentBudget, with_seeds
from .placement import QueueName, queue_of_new
from .request_id import request_id
from .run import new_run
from .service import Service

MAX_LAYERS_OF_STUDY = 250_000
"""Hard limit on the layers of all networks that a study checks, once for its arm and once for each remedy. A layer
takes about 20 microseconds."""


def submit_study(service: Service, spec: StudySpec, *, idempotency: Idempotency | None = None) -> Created[Study]:
    """Store a study with all its runs, or nothing; raises InvalidRequest with every problem of every arm."""
    spec, arms, new_runs = _planned(service, spec)
    study = NewStudy(
        experiment=spec.experiment.to_json(),
        arms=[{**_arm_to_json(arm), "patch": patch} for arm, patch in zip(arms, _patches(arms, new_runs), strict=True)],
        seeds=list(spec.seeds),
        sweep=[axis.to_json() for axis in spec.sweep],
        name=spec.name,
        labels=spec.labels,
        request_id=request_id(),
    )
    created = service.store.studies.create(study, with_ensembles(service, new_runs), idempotency=idempotency)
    service.announce(created.messages)
    return created


def examine_study(service: Service, spec: StudySpec, resolved: Resolved | None = None) -> Sequence[NewRun]:
    """The runs that submitting the study would queue; raises what it would raise. Nothing is stored.

    Takes its experiment without remedies, resolved, if that is known already.
    """
    return _planned(service, spec, resolved)[2]


def _planned(
    service: Service, spec: StudySpec, resolved: Resolved | None = None
) -> tuple[StudySpec, list[ArmSpec], list[NewRun]]:
    """The study with its control as an arm, all its arms, and its runs."""
    check_names(spec.arms)
    check_seeds(spec.seeds)
    if spec.control is not None:
        spec = spec.model_copy(update={"arms": (*spec.arms, _control(service, spec)), "control": None})
    arms = with_baseline(spec.arms)
    runs = len(arms) * len(spec.seeds) * prod(len(axis.values) for axis in spec.sweep)
    check_number_of_runs(service, runs, of="arms x seeds x sweep points")
    return spec, arms, _fan_out(service, spec, arms, resolved)


def with_baseline(arms: Sequence[ArmSpec]) -> list[ArmSpec]:
    """The arms, with the baseline first; it is added if it is missing."""
    others = [arm for arm in arms if arm.name != BASELINE]
    return [ArmSpec(name=BASELINE), *others]


def _control(service: Service, spec: StudySpec) -> ArmSpec:
    if any(arm.name == CONTROL for arm in spec.arms):
        raise InvalidSpec.at("/control", f"the arm name {CONTROL!r} is taken", allowed="another name for that arm")
    try:
        experiment = spec.experiment.with_uploads(service.uploads)
    except InvalidRequest as error:
        raise error.under("/experiment") from None
    drawn = random_remedy(experiment, seed=min(spec.seeds), listed=[arm.remedies for arm in spec.arms])
    if drawn is None:
        raise InvalidSpec.at("/control", "no further remedy applies to this experiment", allowed="null")
    return ArmSpec(name=CONTROL, remedies=(drawn,))


def _fan_out(service: Service, spec: StudySpec, arms: Sequence[ArmSpec], unchanged: Resolved | None) -> list[NewRun]:
    """All runs of the study; takes its unchanged experiment, resolved, if that is known."""
    _check_work(service, spec, arms)
    budget = DocumentBudget(service.limits, seeds=len(spec.seeds), at="/seeds")
    problems: list[tuple[type[InvalidRequest], Problem]] = []
    cells: list[NewRun] = []
    auto = queue_of_new(service)
    for arm, (at, remedies_at) in zip(arms, _places(spec.arms), strict=True):
        try:
            for point in expand_sweep(arm.experiment or spec.experiment, spec.sweep):
                is_unchanged = not (arm.remedies or arm.experiment or spec.sweep)
                known = unchanged if is_unchanged else None
                resolved = known or _resolve(service, arm, point, at=at, remedies_at=remedies_at)
                cells.append(_cell(spec, arm, point, resolved, auto=auto))
                budget.spend([cells[-1].experiment, cells[-1].resolved_experiment])
        except InvalidRequest as error:
            problems += [(type(error), found) for found in error.problems]
    if problems:
        kinds = {kind for kind, _ in problems}
        distinct = {(found.pointer, found.message): found for _, found in problems}
        raise (kinds.pop() if len(kinds) == 1 else InvalidRequest)(distinct.values())
    return with_seeds(cells, spec.seeds)


def _check_work(service: Service, spec: StudySpec, arms: Sequence[ArmSpec]) -> None:
    """Reject studies that would take too long to check or too much space to store, before expanding them."""
    points = prod(len(axis.values) for axis in spec.sweep)
    budget = DocumentBudget(service.limits, seeds=len(spec.seeds) * points, at="/seeds")
    layers = 0
    for arm in arms:
        experiment = arm.experiment or spec.experiment
        budget.spend([experiment.to_json()] * 2)  # as posted and as trained
        layers += points * (1 + len(arm.remedies)) * experiment.model.count()
    if layers > MAX_LAYERS_OF_STUDY:
        raise TooLarge.at(
            "/sweep",
            f"the networks of all arms and sweep points have {layers:,} layers to check",
            value=layers,
            allowed=f"at most {MAX_LAYERS_OF_STUDY:,}: fewer sweep points, arms or remedies, or a smaller depth",
        )


def _cell(spec: StudySpec, arm: ArmSpec, point: SweepPoint, resolved: Resolved, *, auto: QueueName) -> NewRun:
    """A run of an arm at a point of the sweep, with the seed of the posted experiment."""
    return new_run(
        resolved,
        posted=point.experiment,
        remedies=arm.remedies,
        labels=spec.labels,
        auto=auto,
        arm=arm.name,
        point=point.values,
    )


def _resolve(service: Service, arm: ArmSpec, point: SweepPoint, *, at: str, remedies_at: str) -> Resolved:
    try:
        return resolve(service, point.experiment, arm.remedies, at=at, remedies_at=remedies_at)
    except InvalidRequest as error:
        if not point.values:
            raise
        where = ", ".join(f"{field} = {value:g}" for field, value in point.values.items())
        raise type(error)(
            Problem(found.pointer, f"{found.message} (where {where})", found.value, found.allowed)
            for found in error.problems
        ) from None


def _places(arms: Sequence[ArmSpec]) -> list[tuple[str, str]]:
    """The JSON pointers of each arm's experiment and remedies in the request, the baseline first."""
    places = [("/experiment", "/remedies")]
    for index, arm in enumerate(arms):
        if arm.name != BASELINE:
            own = f"/arms/{index}"
            places.append((f"{own}/experiment" if arm.experiment is not None else "/experiment", f"{own}/remedies"))
    return places


def check_names(arms: Sequence[ArmSpec | RecordedArm]) -> None:
    """Raise InvalidSpec for a name that occurs twice, and for a baseline that changes something."""
    problems = []
    seen: set[str] = set()
    for index, arm in enumerate(arms):
        if arm.name in seen:
            problems.append(
                Problem(f"/arms/{index}/name", f"duplicate arm name {arm.name!r}", arm.name, "unique names")
            )
        seen.add(arm.name)
        own = arm.experiment if isinstance(arm, ArmSpec) else None
        if arm.name == BASELINE and (arm.remedies or own is not None):
            place = "remedies" if arm.remedies else "experiment"
            problems.append(
                Problem(
                    f"/arms/{index}/{place}",
                    "the arm `baseline` is the unchanged experiment of the study",
                    None,
                    "no remedies and no experiment; or another name",
                )
            )
    if problems:
        raise InvalidSpec(problems)


def check_number_of_runs(service: Service, runs: int, *, of: str) -> None:
    """Raise TooLarge if a study has too many runs; `of` says what their number is made up of."""
    if runs > service.limits.runs_per_study:
        raise TooLarge.at(
            "/seeds",
            f"{of} are {runs:,} runs",
            value=runs,
            allowed=f"at most {service.limits.runs_per_study:,} runs per study",
        )


def check_seeds(seeds: Sequence[int]) -> None:
    """Raise InvalidSpec for a seed that occurs twice."""
    seen: set[int] = set()
    for index, seed in enumerate(seeds):
        if seed in seen:
            raise InvalidSpec.at(f"/seeds/{index}", f"duplicate seed {seed}", value=seed, allowed="distinct seeds")
        seen.add(seed)


def _patches(arms: Sequence[ArmSpec], runs: Sequence[NewRun]) -> list[list[JsonObject]]:
    """What each arm changes of the baseline's experiment, as a JSON Patch; in a sweep, at its first point."""
    first: dict[str | None, JsonObject] = {}
    for run in runs:
        first.setdefault(run.arm, run.resolved_experiment)
    return [list(jsonpatch.make_patch(first[BASELINE], first[arm.name])) for arm in arms]


def _arm_to_json(arm: ArmSpec) -> dict[str, object]:
    if arm.experiment is not None:
        return {"name": arm.name, "experiment": arm.experiment.to_json()}
    return {"name": arm.name, "remedies": [remedy.to_json() for remedy in arm.remedies]}
