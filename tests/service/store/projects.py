"""One resource of each kind in a project, for the tests of what another project sees."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from gradclinic.store import Alert, Due, Idempotency, NewSchedule, NewWebhook, Reason, Store

from ..api.examples import experiment
from .pins import new_check, pinned
from .records import DIAGNOSIS, claimed, new_run, new_study, outcome, queued, record, window
from .test_dataset import upload
from .test_prescription import NEW, REPORT

THREE = datetime(2026, 11, 26, 3, tzinfo=UTC)
DUE = Due("nightly", THREE)
ALERT = Alert(kind="check.failed", text="It is worse.", path="/checks/check_1", facts={"check": "check_1"})
WEBHOOK = NewWebhook(
    name="team", url="https://example.org/a", format="standard", secret="whsec_c2VjcmV0", alerts=["check.failed"]
)


@dataclass(frozen=True)
class Seeded:
    """The ids of one resource of each kind in a project."""

    run_id: str
    study_id: str
    prescription_id: str
    check_id: str
    recording_id: str
    delivery_id: str
    pin_id: str
    run_ids: tuple[str, ...]


def seeded(store: Store) -> Seeded:
    """One resource of each kind, with rows in every table that belongs to a project."""
    lease = claimed(store, queued(store, labels={"team": "a"}, name="mine").id)
    store.leases.save_layout(lease, record().layout, environment={})
    store.leases.save_window(lease, step=5, series=window(0, 5))
    ended = record(series=window(0, 5), outcome=outcome())
    store.leases.finish(lease, status="succeeded", reason=Reason("x", "y"), record=ended, diagnosis=DIAGNOSIS)
    store.leases.save_window(claimed(store), step=5, series=window(0, 5))
    study = store.studies.create(new_study(), [new_run()], idempotency=Idempotency("s", "b")).item
    prescription = store.prescriptions.create(
        replace(NEW, experiment=experiment()), idempotency=Idempotency("p", "b")
    ).item
    store.prescriptions.ask(prescription.id, {"k": new_run(), "l": new_run()}, report=REPORT)
    store.runs.delete(next(iter(store.prescriptions.trials(prescription.id).values())).id)
    baseline = pinned(store)
    store.schedules.create(NewSchedule(name="nightly", cron="0 3 * * *", zone="UTC", baseline="main", asks={}))
    check = store.checks.create(new_check(baseline), [new_run()], idempotency=Idempotency("c", "b"), due=DUE)
    assert check is not None
    upload(store, f"data_{store.project}")
    upload(store, f"data_old_{store.project}")
    store.datasets.delete(f"data_old_{store.project}")
    store.webhooks.create(replace(WEBHOOK, name="main"))
    store.webhooks.change_state("check main", is_bad=True, alert=ALERT)
    recording = store.recordings.create(
        new_run(origin="external"), layout=record().layout, environment={}, declared={}, silence_s=60
    ).item
    return Seeded(
        lease.run_id, study.id, prescription.id, check.item.id, recording.id,
        store.webhooks.deliveries("main").items[0].id, baseline.pin.id,
        tuple(baseline.pin.run_ids),
    )  # fmt: skip
