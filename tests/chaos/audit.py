"""After the faults: what is wrong with what is stored. An empty list is what the service promises."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
import psutil
from sqlalchemy import select
from standardwebhooks import Webhook as Signer

from gradclinic.kernel.status import ENDED
from gradclinic.measurements.record import FloatArray, RunRecord
from gradclinic.queue.messages import Queue
from gradclinic.reconciler import Reconciler
from gradclinic.store import Run, Store, Transition
from gradclinic.store import tables as t
from gradclinic.use_cases.service import Service

from .client import Client
from .tenant import HOOK, SCHEDULE, Tenant
from .workload import SEEDS, reference
from .world import World

ENDS_WITHIN_S = 30.0
AFTER = {None: {"queued"}, "queued": {"running", *ENDED}, "running": {"queued", *ENDED}}


class Books:
    """What is stored after a play, and what the clients know."""

    def __init__(self, world: World, clients: Sequence[Client], baselines: Sequence[str]) -> None:
        self._world, self._clients, self._store = world, clients, world.store
        self._baselines = baselines
        self.runs = _all_runs(self._store)
        self._lanes = _in_ensembles(self._store)
        self.checks = self.alerts = 0

    def problems(self) -> list[str]:
        """Every fault in the books, as a sentence."""
        found = [text for client in self._clients for text in client.broken]
        accepted = {each: job for client in self._clients for each, job in client.accepted.items()}
        studies = [*self._baselines, *(each for each, job in accepted.items() if job.is_study)]
        own = [each for each, job in accepted.items() if not job.is_study]
        asked = set(own)
        for study in studies:
            runs = {run.id: run for run in self.runs.values() if run.study_id == study}
            if sorted(run.seed for run in runs.values()) != SEEDS:
                found.append(f"{study} has runs with the seeds {sorted(run.seed for run in runs.values())}")
            asked |= set(runs)
        for tenant in self._world.tenants:
            found += self._judge_checks(tenant, asked)
            found += self._judge_alerts(tenant)
        found += [f"{subject} has not recovered" for subject in self._world.bad_subjects()]
        cancelled = {run_id for client in self._clients for run_id in client.cancelled}
        found += [f"{run_id} was accepted and is lost" for run_id in asked if run_id not in self.runs]
        found += [f"{run_id} was never accepted" for run_id in self.runs if run_id not in asked]
        for run in self.runs.values():
            found += [f"{run.id}: {text}" for text in self._judge(run, was_cancelled=run.id in cancelled)]
        return found + self._entries([*own, *studies]) + _files(self._world) + _processes(self._world)

    def _judge(self, run: Run, *, was_cancelled: bool) -> Iterator[str]:
        yield from history(self._store.runs.transitions(run.id), run)
        if not run.ended:
            yield f"it is stuck: {run.status}, {run.reason}"
        elif run.status == "succeeded":
            yield from _rows(self._store, run, reference(run.steps, run.seed, is_lane=run.id in self._lanes))
        elif run.status != "canceled" or not was_cancelled:
            yield f"it {run.status}: {run.reason}"

    def _judge_checks(self, tenant: Tenant, asked: set[str]) -> Iterator[str]:
        """Each due time started one check, or has a reason; each check trained its runs once, and has a verdict."""
        firings = tenant.store.schedules.get(SCHEDULE).firings
        if not any(firing.check_id for firing in firings):
            yield f"the schedule of {tenant.project} started no check"
        due = [firing.due_at for firing in firings]
        if len(set(due)) != len(due) or not all(firing.check_id or firing.problem for firing in firings):
            yield f"the schedule of {tenant.project} has due times {due}"
        for check in tenant.store.checks.page(limit=200).items:
            self.checks += 1
            runs = tenant.store.checks.runs(check.id)
            asked |= {run.id for run in runs}
            if sorted(run.seed for run in runs) != SEEDS or check.verdict != "pass":
                yield f"{check.id} has {len(runs)} runs and is {check.status}, {check.verdict}: {check.summary}"

    def _judge_alerts(self, tenant: Tenant) -> Iterator[str]:
        """Each alert was delivered, in order, and signed; one that came twice is the same message."""
        log, after = [], None
        while True:
            page = tenant.store.webhooks.deliveries(HOOK, after=after, limit=200)
            log += page.items
            if page.next is None:
                break
            after = page.next
        self.alerts += len(log)
        tests = {each for client in self._clients if client.tenant is tenant for each in client.tests}
        yield from (f"the alert {each} was accepted and is lost" for each in tests - {each.id for each in log})
        yield from (f"the alert {each.id} is {each.status}" for each in log if each.status != "delivered")
        got = [headers["webhook-id"] for headers, _ in tenant.receiver.got]
        if list(dict.fromkeys(got)) != [each.message_id for each in reversed(log)]:
            yield f"the alerts of {tenant.project} came in another order: {got}"
        for headers, body in tenant.receiver.got:
            if not _is_signed(headers, body, tenant.secrets):
                yield f"the alert {headers['webhook-id']} has a wrong signature"

    def _entries(self, created: Sequence[str]) -> list[str]:
        """What was accepted has one entry in the audit, with a key of its project."""
        found: Counter[str] = Counter()
        after = None
        while True:
            page = self._store.audit.page(after=after, limit=200)
            found.update(entry.created.rpartition("/")[2] for entry in page.items if entry.created and entry.key_id)
            if page.next is None:
                break
            after = page.next
        return [f"{each} has {found[each]} entries in the audit" for each in created if found[each] != 1]


def _is_signed(headers: Mapping[str, str], body: bytes, secrets: Sequence[str]) -> bool:
    """Whether one of the secrets signed it. The clocks of senders are wrong here, so when it was is not looked at."""
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    right = {Signer(secret).sign(headers["webhook-id"], at, body.decode()) for secret in secrets}
    return bool(right & set(headers["webhook-signature"].split()))


def _in_ensembles(store: Store) -> set[str]:
    with store._database.read() as connection:
        return set(connection.execute(select(t.runs.c.id).where(t.runs.c.ensemble.is_not(None))).scalars())


def history(transitions: list[Transition], run: Run) -> list[str]:
    """What is wrong with a run's changes of state."""
    found = []
    if [change.number for change in transitions] != list(range(1, run.transition_count + 1)):
        found.append("a change of state is missing")
    before, attempt = None, 0
    for change in transitions:
        if change.status_before != before or change.status not in AFTER.get(before, set()):
            found.append(f"it went from {before} to {change.status}, said to come from {change.status_before}")
        attempt += change.status == "running"
        if change.attempt != attempt:
            found.append(f"attempt {change.attempt} where {attempt} was due")
        before = change.status
    ends = sum(change.status in ENDED for change in transitions)
    if ends != run.ended or before != run.status:
        found.append(f"it ended {ends} times and is {run.status}")
    return found


def _rows(store: Store, run: Run, expected: RunRecord) -> list[str]:
    found = []
    record = store.statistics.record(run.id)
    if set(record.series) != set(expected.series):
        found.append(f"statistics differ: {set(record.series) ^ set(expected.series)}")
    for name in set(record.series) & set(expected.series):
        stored, right = record.series[name], expected.series[name]
        twice = [step for step, count in Counter(stored.steps.tolist()).items() if count > 1]
        if twice:
            found.append(f"{name} has steps twice: {twice[:5]}")
        elif stored.steps.tolist() != right.steps.tolist():
            found.append(f"{name} has {len(stored)} steps, not {len(right)}")
        elif not np.array_equal(_bits(stored.values), _bits(right.values)):
            found.append(f"{name} differs from an undisturbed run's")
    if run.outcome is None or expected.outcome is None:
        found.append("it has no outcome")
    elif (run.outcome.final_train_loss, run.outcome.final_validation_loss) != (
        expected.outcome.final_train_loss,
        expected.outcome.final_validation_loss,
    ):
        found.append("its outcome differs from an undisturbed run's")
    if run.diagnosis is None:
        found.append("it has no diagnosis")
    return found


def _bits(values: FloatArray) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint32]]":
    return np.ascontiguousarray(values, np.float32).view(np.uint32)


def _files(world: World) -> list[str]:
    """Files of runs that have ended, once a reconciler has looked after them."""
    queue = Queue(world.settings)
    Reconciler(Service(world.settings, world.store, queue)).round()
    queue.close()
    folder = world.settings.checkpoint_dir
    return [f"the file {path} is left" for path in folder.glob("**/*")] if folder.is_dir() else []


def _processes(world: World) -> list[str]:
    """Workers that were asked to end, and have not."""
    _, alive = psutil.wait_procs(world.asked_to_end, timeout=ENDS_WITHIN_S)
    return [f"the worker {process.pid} was asked to end and is still there" for process in alive]


def _all_runs(store: Store) -> Mapping[str, Run]:
    found: dict[str, Run] = {}
    after = None
    while True:
        page = store.runs.page(after=after, limit=200)
        found |= {run.id: run for run in page.items}
        if page.next is None:
            return found
        after = page.next
