"""Accept a run, and read the metrics of runs that have ended."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..experiments.experiment import Experiment
from ..experiments.lowering import lower
from ..kernel.errors import DamagedData
from ..measurements.ensemble import Form, form_of
from ..measurements.metrics import MEASURED_FROM, RunMetrics, metrics_of
from ..measurements.record import Layout, RunRecord, Series
from ..remedies import AnyRemedy
from ..store import Created, Idempotency, NewRun, Run, RunSummary
from .experiment import Resolved, resolve
from .idempotency import digest
from .placement import QueueName, queue_for, queue_of_new
from .request_id import request_id
from .service import Service
from .trace import traceparent


def submit_run(
    service: Service,
    experiment: Experiment,
    remedies: Sequence[AnyRemedy] = (),
    *,
    name: str | None = None,
    labels: Mapping[str, str] | None = None,
    reuse: bool = False,
    idempotency: Idempotency | None = None,
) -> Created[Run]:
    """Store one run and queue it; raises InvalidRequest with pointers into the request.

    With `reuse`, a run of the same resolved experiment and seed that has succeeded is returned, and nothing is stored.
    """
    resolved = resolve(service, experiment, remedies)
    new = new_run(
        resolved,
        posted=experiment,
        remedies=remedies,
        name=name,
        labels=labels or {},
        auto=queue_of_new(service),
    )
    identical = service.store.runs.find_identical(new.digest) if reuse else None
    if identical is not None:
        return Created(identical, replayed=True)
    created = service.store.runs.create(new, idempotency=idempotency)
    service.announce(created.messages)
    return created


def new_run(
    trained: Resolved,
    *,
    posted: Experiment,
    remedies: Sequence[AnyRemedy],
    name: str | None = None,
    labels: Mapping[str, str],
    auto: QueueName,
    arm: str | None = None,
    point: Mapping[str, float] | None = None,
) -> NewRun:
    """A run that trains a resolved experiment, ready to store; `auto` is its queue if it asks for no device."""
    training, resolved = trained.resolved.training, trained.resolved.to_json()
    form = form_of(trained.resolved, trained.estimate)
    return NewRun(
        experiment=posted.to_json(),
        resolved_experiment=resolved,
        digest=digest(resolved),
        seed=training.seed,
        steps=training.steps,
        flops=float(trained.flops),
        remedies=[remedy.to_json() for remedy in remedies],
        name=name,
        labels=dict(labels),
        arm=arm,
        point=dict(point) if point else None,
        queue=queue_for(training.device, auto=auto),
        request_id=request_id(),
        traceparent=traceparent(),
        form=form if isinstance(form, Form) else None,
    )


def metrics_of_runs(service: Service, runs: Sequence[RunSummary]) -> Mapping[str, RunMetrics]:
    """The metrics of the runs that have ended, by run id.

    A run stores its metrics at its end. Of those that an earlier version ended, they are computed from statistics.
    """
    older = [run for run in runs if run.metrics is not None and not run.metrics_stored]
    series = service.store.statistics.series_by_run([run.id for run in older], MEASURED_FROM) if older else {}
    found = {run.id: run.metrics for run in runs if run.metrics is not None}
    return found | {
        run.id: _measured(service, run, run.metrics, series[run.id])
        for run in service.store.runs.with_documents([run.id for run in older])
        if run.metrics is not None
    }


def _measured(service: Service, run: Run, stored: RunMetrics, series: Mapping[str, Series]) -> RunMetrics:
    layout = run.layout or Layout(run.steps, 1, (), ())
    record = RunRecord.of(layout, series, outcome=run.outcome, steps_done=run.step)
    return replace(metrics_of(record) or stored, saved_share=stored.saved_share, parameters=_parameters(service, run))


def _parameters(service: Service, run: Run) -> int | None:
    if run.origin != "service":
        return None
    try:
        return lower(service.experiment(run.resolved_experiment)).parameters
    except DamagedData:
        return None
