"""What use cases need of runs: their metrics, whichever version of the service ended them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..experiments.lowering import lower
from ..measurements.metrics import MEASURED_FROM, RunMetrics, metrics_of
from ..measurements.record import Layout, RunRecord, Series
from ..store import Run
from .service import Service


def metrics_of_runs(service: Service, runs: Sequence[Run]) -> Mapping[str, RunMetrics]:
    """The metrics of those runs that have ended, by the run's identifier.

    A run stores its metrics at its end. Of those that an earlier version ended, they are computed from statistics.
    """
    older = [run for run in runs if run.metrics is not None and not run.metrics_stored]
    series = service.store.statistics.series_by_run([run.id for run in older], MEASURED_FROM) if older else {}
    found = {run.id: run.metrics for run in runs if run.metrics is not None}
    return found | {
        run.id: _measured(service, run, run.metrics, series[run.id]) for run in older if run.metrics is not None
    }


def _measured(service: Service, run: Run, stored: RunMetrics, series: Mapping[str, Series]) -> RunMetrics:
    layout = run.layout or Layout(run.steps, 1, (), ())
    record = RunRecord.of(layout, series, outcome=run.outcome, steps_done=run.step)
    return replace(metrics_of(record) or stored, saved_share=stored.saved_share, parameters=_parameters(service, run))


def _parameters(service: Service, run: Run) -> int | None:
    if run.origin != "service":
        return None
    return lower(service.experiment(run.resolved_experiment)).parameters
