"""Comparisons read what runs stored at their end, in a few statements however many runs there are."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gradclinic.diagnosis import diagnose
from gradclinic.experiments.experiment import Experiment
from gradclinic.experiments.lowering import lower
from gradclinic.kernel.json import JsonObject
from gradclinic.measurements.statistics import STATISTICS
from gradclinic.settings import Settings
from gradclinic.store import NewStudy, Reason, Store
from gradclinic.store.database import Database
from gradclinic.use_cases.comparison import compare_study
from gradclinic.use_cases.run import metrics_of_runs
from gradclinic.use_cases.service import Service
from gradclinic.use_cases.statistic import CURVES, read_series

from ..api.examples import experiment
from ..api.serving import NOBODY
from ..measurements.records import STEPS, recorded
from ..store.costs import statements
from ..store.records import claimed, new_run

EXPERIMENT = Experiment.model_validate(experiment(training={"steps": STEPS}))
ARMS = ("baseline", "clipped")


@pytest.fixture
def service(sqlite_url: str, tmp_path: Path) -> Iterator[Service]:
    made = Service.of(Settings(data_dir=tmp_path, database_url=sqlite_url, broker_url=NOBODY))
    yield made
    made.close()


def ended_study(store: Store, *, seeds: int, loss_of_clipped: JsonObject | None = None) -> str:
    resolved = EXPERIMENT.to_json()
    changed = resolved if loss_of_clipped is None else {**resolved, "loss": loss_of_clipped}
    runs = [
        new_run(
            arm=arm,
            seed=seed,
            steps=STEPS,
            experiment=resolved,
            resolved_experiment=resolved if arm == "baseline" else changed,
        )
        for seed in range(seeds)
        for arm in ARMS
    ]
    study = NewStudy(experiment=resolved, arms=[{"name": arm, "remedies": []} for arm in ARMS], seeds=[*range(seeds)])
    study_id = store.studies.create(study, runs).item.id
    for number, run in enumerate(store.runs.of_study(study_id)):
        record = recorded(decades=2.0 if run.arm == "baseline" else 0.5, updates=-0.1 * number)
        record = replace(record, parameters=lower(EXPERIMENT).parameters)
        lease = claimed(store, run.id)
        store.leases.save_layout(lease, record.layout, environment={})
        store.leases.save_window(lease, step=STEPS, series=record.series)
        diagnosis = diagnose(record)
        store.leases.finish(lease, status="succeeded", reason=Reason("trained", ""), record=record, diagnosis=diagnosis)
    return study_id


def forget_metrics(url: str) -> None:
    """As a database is whose runs an earlier version ended."""
    database = Database(url)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE runs SET metrics = NULL")
    database.close()


def test_twenty_runs_are_compared_in_five_statements_at_most_whoever_ended_them(
    service: Service, sqlite_url: str
) -> None:
    study_id = ended_study(service.store, seeds=10)
    with statements() as sent:
        compare_study(service, study_id)
    assert len(sent) <= 5
    assert not any("chunks" in statement for statement in sent)

    forget_metrics(sqlite_url)
    with statements() as sent:
        compare_study(service, study_id)
    assert len(sent) <= 5


def test_all_series_of_a_run_are_read_in_one_statement(service: Service) -> None:
    study_id = ended_study(service.store, seeds=1)
    run = service.store.runs.get(service.store.runs.of_study(study_id)[0].id)
    for names in (CURVES, tuple(STATISTICS)):
        with statements() as sent:
            found = read_series(service, run, names, first_step=1, last_step=STEPS)
        assert len(sent) == 1
        assert [named.statistic for named in found] == [*names]
        assert any(len(named.series) for named in found)
        assert all(named.series.values.shape[1] == len(named.layers) for named in found)


def test_a_run_that_an_earlier_version_ended_is_compared_by_the_same_numbers(service: Service, sqlite_url: str) -> None:
    study_id = ended_study(service.store, seeds=1)
    runs = service.store.runs.of_study(study_id)
    stored = metrics_of_runs(service, runs)
    forget_metrics(sqlite_url)
    assert metrics_of_runs(service, service.store.runs.of_study(study_id)) == stored
    assert {run.id: run.metrics for run in runs} == stored


def test_a_run_that_an_earlier_version_ended_shows_the_metrics_of_its_outcome(
    service: Service, sqlite_url: str
) -> None:
    study_id = ended_study(service.store, seeds=1)
    before = service.store.runs.of_study(study_id)[0].metrics
    forget_metrics(sqlite_url)
    run = service.store.runs.of_study(study_id)[0]
    assert before is not None
    assert run.metrics == replace(
        before, parameters=None, depth_slope=None, depth_slope_early=None, update_decades=None, loss_spikes=None
    )


@pytest.mark.parametrize(
    ("loss", "metric"),
    [
        (None, "final_validation_loss"),
        ({"kind": "cross_entropy"}, "final_validation_loss"),  # the usual loss, said in full
        ({"kind": "cross_entropy", "label_smoothing": 0.1}, "final_validation_accuracy"),
        ({"kind": "mse"}, "final_validation_accuracy"),
        ({"kind": "of_another_version"}, "final_validation_accuracy"),
    ],
)
def test_classifiers_of_different_losses_are_compared_by_their_accuracy(
    service: Service, loss: JsonObject | None, metric: str
) -> None:
    assert compare_study(service, ended_study(service.store, seeds=2, loss_of_clipped=loss)).metric == metric
