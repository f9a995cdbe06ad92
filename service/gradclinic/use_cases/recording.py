"""Accept the statistics of a training in an external program, and diagnose it like any other run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import structlog

from ..diagnosis import Diagnosis, diagnose
from ..kernel.errors import Conflict, InvalidSpec, NotFound, Problem, TooLarge
from ..kernel.status import RunStatus
from ..measurements.outcome import outcome_of
from ..measurements.record import RunRecord
from ..measurements.recording import Declaration, Ending, RecordedSeries, Window
from ..measurements.statistics import STATISTICS
from ..store import Created, Idempotency, NewRun, Place, Reason, Recording, Run
from ..store.packing import bytes_of
from .idempotency import digest
from .request_id import request_id
from .service import Service
from .statistic import columns_of

log = structlog.get_logger(__name__)


def declare(
    service: Service,
    declaration: Declaration,
    *,
    name: str | None = None,
    labels: Mapping[str, str] | None = None,
    place: Place | None = None,
    idempotency: Idempotency | None = None,
) -> Created[Run]:
    """Store a run that an external program trains; workers do not claim it.

    With a `place`, it is a run of a study. Raises NotFound and Conflict like the store.
    """
    declared = declaration.to_json()
    new = NewRun(
        experiment={},
        resolved_experiment={},
        digest=digest(declared),
        seed=declaration.seed,
        steps=declaration.steps or 0,
        name=name,
        labels=dict(labels or {}),
        origin="external",
        arm=None if place is None else place.arm,
        request_id=request_id(),
    )
    return service.store.recordings.create(
        new,
        layout=declaration.layout(),
        environment=declaration.environment,
        declared=declared,
        silence_s=service.settings.recording_silence_s,
        place=place,
        idempotency=idempotency,
    )


def append(service: Service, run_id: str, window: Window) -> bool:
    """Store a window of statistics; returns False if this window was stored before.

    Raises InvalidSpec if it does not match the declaration or earlier windows, and Conflict like the store.
    """
    recording, run = service.store.recordings.get(run_id), service.store.runs.get(run_id)
    series = {each.statistic: each.series() for each in _checked(window, run)}
    if window.window == recording.windows and not run.ended:
        try:
            _check_order(service, window, run)
        except InvalidSpec:  # unless a concurrent request has just stored it
            if service.store.recordings.get(run_id).windows == window.window:
                raise
        new = sum(bytes_of(each) for each in series.values())
        most = service.settings.max_stored_bytes
        if recording.stored_bytes + new > most:
            raise TooLarge.at(
                "/series",
                f"the recording would take {recording.stored_bytes + new:,} bytes",
                allowed=f"at most {most:,} bytes per run",
            )
    return service.store.recordings.append(
        run_id,
        window=window.window,
        step=window.step,
        series=series,
        fingerprint=digest(window.to_json()),
        stored_bytes=sum(bytes_of(each) for each in series.values()),
        silence_s=service.settings.recording_silence_s,
    )


def _checked(window: Window, run: Run) -> Sequence[RecordedSeries]:
    """The series of a window, after checking that they match the declaration."""
    problems: list[Problem] = []
    seen: set[str] = set()
    for index, each in enumerate(window.series):
        at = f"/series/{index}"
        if each.statistic in seen:
            text = "it occurs twice in this window"
            problems.append(Problem(f"{at}/statistic", text, each.statistic, "each statistic at most once"))
        seen.add(each.statistic)
        problems += [found.under(at) for found in _faults(each, run, finished=window.step)]
    if problems:
        raise InvalidSpec(problems)
    return window.series


def _faults(each: RecordedSeries, run: Run, *, finished: int) -> Iterator[Problem]:
    """The problems of one series, with pointers into it."""
    facts = STATISTICS.get(each.statistic)
    if facts is None:
        yield Problem("/statistic", "unknown statistic", each.statistic, ", ".join(STATISTICS))
        return
    steps, values = each.steps, each.values
    for index in range(1, len(steps)):
        if steps[index] <= steps[index - 1]:
            allowed = f"more than {steps[index - 1]}"
            yield Problem(f"/steps/{index}", "steps must increase", steps[index], allowed)
            break
    if steps[-1] > finished:
        yield Problem(f"/steps/{len(steps) - 1}", "this step is not finished", steps[-1], f"at most {finished}")
    if len(values) != len(steps):
        yield Problem("/values", "the numbers of rows and steps differ", len(values), f"{len(steps)} rows")
    places = len(columns_of(run, facts.name))
    wanted = "one number" if facts.per == "run" else f"{places} numbers, one per declared {facts.per}"
    for row, found in enumerate(values):
        if len(found) != places:
            yield Problem(f"/values/{row}", "a row has the wrong length", len(found), wanted)
            break


def _check_order(service: Service, window: Window, run: Run) -> None:
    """Check that steps only increase, so that no statistic has two values for one step."""
    problems: list[Problem] = []
    if window.step < run.step:
        problems.append(Problem("/step", "less than in an earlier window", window.step, f"at least {run.step}"))
    stored = service.store.statistics.extents(run.id) if window.series else {}
    for index, each in enumerate(window.series):
        before = stored.get(each.statistic)
        if before is not None and each.steps[0] <= before.last_step:
            allowed = f"steps after {before.last_step}"
            problems.append(
                Problem(f"/series/{index}/steps/0", "it overlaps an earlier window", each.steps[0], allowed)
            )
    if problems:
        raise InvalidSpec(problems)


def finish(service: Service, run_id: str, ending: Ending) -> Run:
    """End a recording and diagnose it; if it has already ended, return the run as it is.

    Raises Conflict if windows are missing, or if the recording ended in another way.
    """
    recording, run = service.store.recordings.get(run_id), service.store.runs.get(run_id)
    status: RunStatus = "succeeded" if ending.failure is None else "failed"
    if run.status == status:
        return run
    if run.ended:
        raise Conflict(f"the recording has ended: {run.status} ({run.reason.text})")
    if ending.windows is not None and ending.windows != recording.windows:
        raise Conflict(f"{ending.windows} windows were sent, {recording.windows} arrived; send the missing ones first")
    record = _ended_record(service, run, recording, ending)
    reason, diagnosis = _judged(record, _reason(run, record, ending))
    try:
        return service.store.recordings.finish(
            run_id, windows=recording.windows, status=status, reason=reason, record=record, diagnosis=diagnosis
        )
    except Conflict:
        run = service.store.runs.get(run_id)  # a concurrent request may have just ended it
        if run.status == status:
            return run
        raise


def end_silent(service: Service) -> int:
    """End and diagnose recordings whose programs sent nothing for too long; returns their number."""
    ended = 0
    for run_id in service.store.recordings.silent():
        try:
            recording, run = service.store.recordings.get(run_id), service.store.runs.get(run_id)
            record = _ended_record(service, run, recording, Ending())
            text = f"the program sent nothing for {service.settings.recording_silence_s:g} s after step {run.step}"
            reason, diagnosis = _judged(record, Reason("fell_silent", text))
            service.store.recordings.finish(
                run_id,
                windows=recording.windows,
                status="expired",
                reason=reason,
                record=record,
                diagnosis=diagnosis,
                only_if_silent=True,
            )
        except (Conflict, NotFound):  # it sent something, was cancelled or was deleted in the meantime
            continue
        ended += 1
    return ended


def _ended_record(service: Service, run: Run, recording: Recording, ending: Ending) -> RunRecord:
    record = service.store.statistics.record(run.id)
    constant = recording.declared.get("constant_loss")
    outcome = outcome_of(record, steps_done=run.step, ending=ending, constant_loss=constant)
    return replace(record, steps=run.steps or run.step, outcome=outcome, preflight=ending.preflight)


def _reason(run: Run, record: RunRecord, ending: Ending) -> Reason:
    if ending.failure is not None:
        return Reason("program_failed", f"its program failed: {ending.failure}")
    if record.outcome is not None and record.outcome.nonfinite_step is not None:
        return Reason("non_finite", f"loss or gradient became non-finite at step {record.outcome.nonfinite_step}")
    if run.step < run.steps:
        return Reason("stopped_early", f"the program stopped after {run.step} of {run.steps} steps")
    return Reason("recorded", "recorded to the end")


def _judged(record: RunRecord, reason: Reason) -> tuple[Reason, Diagnosis | None]:
    try:
        return reason, diagnose(record)
    except Exception:
        log.exception("diagnosis_failed")  # the measurements are kept; they can be diagnosed again
        return Reason("not_diagnosed", f"{reason.text}; its diagnosis failed"), None
