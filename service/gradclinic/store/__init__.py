"""All SQL is in this package. It returns frozen records (`records`), never tables or rows.

    store = Store(settings.database_url)       # sqlite:///... or postgresql+psycopg://...; migrate.upgrade(url) first
    store.within("vision")                     # one project: all other methods see and change it only
    store.everywhere()                         # all projects, for workers and operators; stores nothing new

    store.runs          create(NewRun, idempotency=) -> Created[Run]     stored queued; send Created.messages after it
                        get, get_many, of_study, page(status, condition, finding, labels, study_id,
                        source, search, sort, after, limit), listed(the same) -> ListedRun, total(filters)
                        all but `get` return RunSummary, without documents; with_documents(run_ids)
                        find_identical(digest), transitions(run_id), request_cancel(run_id) -> Run
                        edit(run_id, name, labels, notes) -> Run, delete(run_id)
    store.studies       create(NewStudy, [NewRun], idempotency=) -> Created[Study]     all or nothing
                        get, with_runs, page(status, condition, labels, after, limit), request_cancel, edit, delete
                        Study.status and .progress follow from its runs
    store.datasets      create(content, **facts) -> Created[DatasetRecord], find, get, page, content(id)
                        runs_by_dataset(ids), delete(id), find_deleted(id)
    store.prescriptions create(NewPrescription, idempotency=) -> Created[Prescription]
                        get, page(status, condition, ending, labels, after, limit), running, trials, of_runs, deleted
                        ask, finish, request_cancel, delete
    store.baselines     pin(name, NewPin) -> Created[Baseline], get, pin_of(pin_id), page, delete
    store.checks        create(NewCheck, [NewRun], idempotency=, due=) -> Created[Check] | None     all or nothing
                        get, page, running, runs, of_runs, finish, request_cancel, delete, counts
    store.schedules     create(NewSchedule), get, page, active, set_paused, skip(Due), delete
    store.webhooks      create(NewWebhook), get, page, set_paused, rotate, delete, tell(name, Alert), raise_alert
                        change_state, deliveries(name), redeliver
                        for the sender: due, hold -> Outgoing | None, settle, forget
    store.keys          create(name, scope=, project=) -> IssuedKey, all, revoke, rotate, note_use
                        authenticate(id, secret) -> Key | None, enter(subject, name=, grant=) -> Key | None, projects
    store.audit         page(key_id, after, limit), forget: who changed what; `acting(Act(...))` says who does
    store.sessions      start(key_id, lasts_s=, grants=) -> secret, find(secret) -> Session | None
                        choose(secret, project), end(secret)
    store.statistics    series(run_id, statistic, first_step=, last_step=) -> Series, series_of(run_ids, ...)
                        extents(run_id), record(run_id) -> RunRecord
    store.leases        claim(run_id, owner=, ttl_s=) -> Lease | None, heartbeat, look -> Order
                        save_layout, save_window, restart, finish, release     fenced; raise LeaseLost
    store.reconciliation  expire_leases, abandon, expire_queued, unannounced, mark_sent, was_not_taken, unfinished
                        forget, saw_worker, worker_left, workers
    store.recordings    create(NewRun, record=, declared=, silence_s=, idempotency=) -> Created[Run], get
                        append(run_id, window=, ...) -> bool, finish, silent      runs that their own programs train
    store.usage()       what the project has of its quota; create(...) raises QuotaExceeded beyond it
    store.kept()        what is kept of the statistics of its runs, and their size
    store.signs(last=, seen_within_s=)         what is watched for alerts
    store.vitals(seen_within_s=), store.ping(), store.is_current(), store.close()

All methods raise ServiceUnavailable if the database is unreachable, and NotFound or Conflict where it applies.
NaN and infinity are stored as numbers in columns and as strings in JSON documents.
"""

from .acting import Act, acting
from .audit import Audit
from .baseline import Baselines
from .check import Checks
from .database import Database
from .dataset import Datasets
from .firing import Due
from .key import Keys
from .lease import Leases
from .migrate import is_current
from .packs import Extent
from .prescription import Prescriptions
from .quota import kept_of, usage_of
from .reconciliation import Reconciliation
from .recording import Place, Recording, Recordings
from .records.audit import AuditEntry
from .records.baseline import Baseline, NewPin, Pin
from .records.check import Check, NewCheck
from .records.created import Created, Idempotency
from .records.dataset import DatasetRecord, DeletedDataset
from .records.key import IssuedKey, Key, Session
from .records.lease import Lease, Order
from .records.page import Page
from .records.prescription import NewPrescription, Prescription
from .records.progress import Progress
from .records.quota import Kept, Quota, Usage
from .records.run import CheckpointPointer, ListedRun, Message, NewRun, Reason, Run, RunSummary, Transition
from .records.schedule import Firing, NewSchedule, Schedule
from .records.study import NewStudy, Study
from .records.vitals import Vitals, Worker
from .records.webhook import Alert, Attempt, Delivery, NewWebhook, Outgoing, Webhook
from .run import Runs
from .run_list import MOST_COUNTED, RunFilters, RunSort
from .schedule import Schedules
from .session import Sessions
from .signs import Signs, read_signs
from .statistic import Statistics
from .study import Studies
from .vitals import read_vitals
from .webhook import Webhooks


class Store:
    """A database, grouped by resource. A new one is that of the project `default`."""

    def __init__(self, url: str | Database, *, quota: Quota | None = None) -> None:
        self._database = url if isinstance(url, Database) else Database(url)
        if quota is not None:
            self._database.quota = quota
        self.runs = Runs(self._database)
        self.studies = Studies(self._database)
        self.datasets = Datasets(self._database)
        self.prescriptions = Prescriptions(self._database)
        self.baselines = Baselines(self._database)
        self.checks = Checks(self._database)
        self.schedules = Schedules(self._database)
        self.webhooks = Webhooks(self._database)
        self.audit = Audit(self._database)
        self.keys = Keys(self._database)
        self.sessions = Sessions(self._database)
        self.statistics = Statistics(self._database)
        self.leases = Leases(self._database)
        self.recordings = Recordings(self._database)
        self.reconciliation = Reconciliation(self._database)

    def within(self, project: str) -> "Store":
        """The resources of one project, in the same database."""
        return Store(self._database.within(project))

    def everywhere(self) -> "Store":
        """The resources of all projects. It refuses to store new ones, because they need a project."""
        return Store(self._database.within(None))

    @property
    def project(self) -> str | None:
        """The project whose resources these are; None for all."""
        return self._database.project

    def usage(self) -> Usage:
        """What the project has of its quota."""
        with self._database.read() as connection:
            return usage_of(connection)

    def kept(self) -> list[Kept]:
        """What is kept of the statistics of the project's runs, and its size."""
        with self._database.read() as connection:
            return kept_of(connection)

    def signs(self, *, last: int, seen_within_s: float) -> Signs:
        """What is watched for alerts in the project; see `read_signs`."""
        return read_signs(self._database, last=last, seen_within_s=seen_within_s)

    def vitals(self, *, seen_within_s: float) -> Vitals:
        """Metrics of the whole installation for operators; counts workers seen within `seen_within_s`."""
        workers = self.reconciliation.workers(seen_within_s=seen_within_s)
        everything = self._database.within(None)
        return read_vitals(
            everything,
            workers=workers,
            checks=Checks(everything).counts(),
            alerts=Webhooks(everything).waiting_and_lost(within_s=86_400.0),
        )

    def ping(self) -> None:
        """Raises ServiceUnavailable if the database does not answer."""
        self._database.ping()

    def is_full(self) -> bool:
        """Whether the disk of an SQLite database has no room left; False for a server, whose disk is not known."""
        return self._database.is_full()

    def is_current(self) -> bool:
        """Whether the database has the latest schema of this version, or a newer one."""
        return is_current(self._database)

    def close(self) -> None:
        """Close all connections."""
        self._database.close()


__all__ = [
    "MOST_COUNTED",
    "Act",
    "Alert",
    "Attempt",
    "AuditEntry",
    "Baseline",
    "Check",
    "CheckpointPointer",
    "Created",
    "DatasetRecord",
    "DeletedDataset",
    "Delivery",
    "Due",
    "Extent",
    "Firing",
    "Idempotency",
    "IssuedKey",
    "Key",
    "Lease",
    "ListedRun",
    "Message",
    "NewCheck",
    "NewPin",
    "NewPrescription",
    "NewRun",
    "NewSchedule",
    "NewStudy",
    "NewWebhook",
    "Order",
    "Outgoing",
    "Page",
    "Pin",
    "Place",
    "Prescription",
    "Progress",
    "Quota",
    "Reason",
    "Recording",
    "Run",
    "RunFilters",
    "RunSort",
    "RunSummary",
    "Schedule",
    "Session",
    "Signs",
    "Store",
    "Study",
    "Transition",
    "Usage",
    "Vitals",
    "Webhook",
    "Worker",
    "acting",
]
