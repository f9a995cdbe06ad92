"""After the faults: what is wrong with what is stored. An empty list is what the service promises."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import psutil

from gradclinic.kernel.status import ENDED
from gradclinic.measurements.record import FloatArray, RunRecord
from gradclinic.queue.messages import Queue
from gradclinic.reconciler import Reconciler
from gradclinic.store import Run, Store, Transition
from gradclinic.use_cases.service import Service

from .client import Client
from .workload import reference
from .world import World

ENDS_WITHIN_S = 30.0
AFTER = {None: {"queued"}, "queued": {"running", *ENDED}, "running": {"queued", *ENDED}}


def audit(world: World, client: Client) -> list[str]:
    """Every fault in the books, as a sentence."""
    store = world.store
    found = list(client.broken)
    stored = _all_runs(store)
    found += [f"{run_id} was accepted and is lost" for run_id in client.accepted if run_id not in stored]
    found += [f"{run_id} was never accepted" for run_id in stored if run_id not in client.accepted]
    for run_id, job in client.accepted.items():
        run = stored.get(run_id)
        if run is None:
            continue
        found += [f"{run_id}: {text}" for text in history(store.runs.transitions(run_id), run)]
        if not run.ended:
            found.append(f"{run_id} is stuck: {run.status}, {run.reason}")
        elif run.status == "succeeded":
            found += [f"{run_id}: {text}" for text in _rows(store, run, reference(job.shape))]
        elif run.status != "canceled" or run_id not in client.cancelled:
            found.append(f"{run_id} {run.status}: {run.reason}")
    return found + _files(world) + _processes(world)


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
