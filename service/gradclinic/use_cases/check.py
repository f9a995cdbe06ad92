"""Check an experiment against a baseline: train it on the baseline's seeds, and compare both sides.

The runs are stored together with the check, or nothing is. The verdict is a pure function of the ended runs, so any
process may store it at any time, and the first one does: whatever dies, nothing is trained or judged twice.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from pydantic import TypeAdapter

from ..comparison import METRICS, RunResult
from ..comparison.paired import outcome
from ..diagnosis import RULE_SETS, Diagnosis
from ..kernel.errors import InvalidSpec, Problem, TooLarge
from ..kernel.json import JsonObject
from ..regression import DEFAULT_MARGINS, CheckSpec, Report, check
from ..remedies import AnyRemedy
from ..store import Check, Created, Due, Idempotency, NewCheck, NewRun, Pin, RunSummary
from ..store.check import LABEL
from .comparison import results_of
from .diagnosis import judge_again
from .ensemble import with_ensembles
from .experiment import Resolved, resolve
from .fan_out import DocumentBudget, with_seeds
from .placement import queue_beside
from .request_id import request_id
from .run import new_run
from .service import Service

NEW, BASELINE = "new", "baseline"


def submit_check(service: Service, spec: CheckSpec, *, idempotency: Idempotency | None = None) -> Check:
    """Store a check with all its runs, or nothing, and queue them. Raises InvalidSpec with places, or NotFound.

    With a key that was used before, nothing is stored, and the earlier check is returned.
    """
    created = _create(service, spec, idempotency=idempotency)
    if created is None:
        raise TypeError("only a due time can have been handled before")
    return created.item


def submit_due(service: Service, spec: CheckSpec, due: Due) -> Check | None:
    """The same for a due time of a schedule; None if it was handled before."""
    created = _create(service, spec, due=due)
    return None if created is None else created.item


def examine(service: Service, spec: CheckSpec, resolved: Resolved | None = None) -> int:
    """The number of runs that the check would queue; raises what submitting it would raise. Nothing is stored.

    Takes its experiment with its remedies, resolved, if it has one and that is known already.
    """
    return len(_prepared(service, spec, resolved)[1])


def conclude(service: Service, check_id: str) -> bool:
    """Store the verdict of a check whose runs have all ended; returns whether it was stored now."""
    found = service.store.checks.get(check_id)
    if found.status != "running" or found.progress.unfinished:
        return False
    runs = service.store.checks.runs(check_id)
    if not any(run.metrics is not None for run in runs):
        why = runs[0].reason.text if runs else "they were deleted"
        text = f"None of the {len(runs)} new runs could be trained: {why}."
        return service.store.checks.finish(check_id, status="failed", report=Report(summary=text))
    pin = service.store.baselines.pin_of(found.pin_id)
    report = check(
        _results(service, service.store.runs.get_many(list(pin.run_ids)), BASELINE),
        _results(service, runs, NEW),
        margins=found.margins,
    )
    return service.store.checks.finish(check_id, status="succeeded", report=report)


def give_up(service: Service, check_id: str) -> None:
    """Mark a check as failed because its verdict could not be computed."""
    report = Report(summary="The check failed with an internal error; see the service's log.")
    service.store.checks.finish(check_id, status="failed", report=report)


def _create(
    service: Service, spec: CheckSpec, *, idempotency: Idempotency | None = None, due: Due | None = None
) -> Created[Check] | None:
    new, runs = _prepared(service, spec)
    created = service.store.checks.create(new, runs, idempotency=idempotency, due=due)
    if created is not None:
        service.announce(created.messages)
    return created


def _prepared(service: Service, spec: CheckSpec, known: Resolved | None = None) -> tuple[NewCheck, list[NewRun]]:
    if LABEL in spec.labels:
        raise InvalidSpec.at(
            f"/labels/{LABEL}",
            "the service sets this label itself",
            value=spec.labels[LABEL],
            allowed="another key",
        )
    pin = service.store.baselines.get(spec.baseline).pin
    experiment = spec.experiment or service.experiment(pin.experiment)
    own = spec.experiment is None and spec.remedies is None
    remedies: Sequence[AnyRemedy] = remedies_from(pin.remedies) if own else spec.remedies or ()
    seeds = _seeds(service, spec, pin)
    pinned = service.store.runs.get_many(list(pin.run_ids))
    margins = _margins(spec, pinned)
    resolved = known or resolve(
        service,
        experiment,
        remedies,
        at="/baseline" if spec.experiment is None else "/experiment",
        remedies_at="/baseline" if own else "/remedies",
    )
    run = new_run(
        resolved,
        posted=experiment,
        remedies=remedies,
        labels=spec.labels,
        auto=queue_beside(service, pinned),
    )
    budget = DocumentBudget(service.limits, seeds=len(seeds), at="/seeds")
    budget.spend([run.experiment, run.resolved_experiment])
    runs = [replace(each, name=f"check of {spec.baseline}, seed {each.seed}") for each in with_seeds([run], seeds)]
    new = NewCheck(
        baseline=spec.baseline,
        pin_id=pin.id,
        experiment=experiment.to_json(),
        remedies=[remedy.to_json() for remedy in remedies],
        seeds=list(seeds),
        margins=margins,
        name=spec.name,
        labels=spec.labels,
        request_id=request_id(),
    )
    return new, with_ensembles(service, runs)


def remedies_from(stored: Sequence[JsonObject]) -> list[AnyRemedy]:
    """Remedies from their JSON."""
    return [_remedy().validate_python(dict(each)) for each in stored]


@cache
def _remedy() -> TypeAdapter[AnyRemedy]:
    return TypeAdapter(AnyRemedy)


def _seeds(service: Service, spec: CheckSpec, pin: Pin) -> Sequence[int]:
    seeds = pin.seeds if spec.seeds is None else spec.seeds
    problems = []
    for index, seed in enumerate(seeds):
        if seed in seeds[:index]:
            problems.append(Problem(f"/seeds/{index}", f"duplicate seed {seed}", seed, "distinct seeds"))
        elif seed not in pin.seeds:
            allowed = ", ".join(str(each) for each in pin.seeds[:20]) + (", ..." if len(pin.seeds) > 20 else "")
            text = f"the baseline {spec.baseline!r} has no run with seed {seed}"
            problems.append(Problem(f"/seeds/{index}", text, seed, f"some of {allowed}"))
    if problems:
        raise InvalidSpec(problems)
    most = service.limits.runs_per_study
    if len(seeds) > most:
        raise TooLarge.at("/seeds", f"there are {len(seeds):,} runs", value=len(seeds), allowed=f"at most {most:,}")
    return seeds


def _margins(spec: CheckSpec, pinned: Sequence[RunSummary]) -> dict[str, float]:
    """The margins asked for, or the usual ones of those metrics that the baseline has."""
    asked = DEFAULT_MARGINS if spec.margins is None else spec.margins.named()
    results = [RunResult(run.id, BASELINE, run.seed, metrics=run.metrics) for run in pinned]
    known = {name for name in asked if any(outcome(METRICS[name], result) is not None for result in results)}
    missing = [name for name in asked if name not in known]
    if missing and (spec.margins is not None or not known):
        raise InvalidSpec(
            Problem(f"/margins/{name}", f"no run of the baseline {spec.baseline!r} has this metric", asked[name])
            for name in missing
        )
    return {name: float(asked[name]) for name in asked if name in known}


def _results(service: Service, runs: Sequence[RunSummary], side: str) -> list[RunResult]:
    """What the judgement needs of one side; a diagnosis by the rules of another day is made again by today's."""
    results = results_of(service, [(run, side) for run in runs])
    rules = next(iter(RULE_SETS))
    return [
        replace(
            result,
            sweep_point=None,
            diagnosis=_by_todays_rules(service, run)
            if run.diagnosis is not None and run.diagnosis.rule_set != rules
            else result.diagnosis,
        )
        for run, result in zip(runs, results, strict=True)
    ]


def _by_todays_rules(service: Service, summary: RunSummary) -> Diagnosis | None:
    run = service.store.runs.get(summary.id)
    return run.diagnosis if run.layout is None or run.retention != "raw" else judge_again(service, run)
