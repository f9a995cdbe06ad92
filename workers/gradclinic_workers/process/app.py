"""The worker process: Celery's parent, which receives messages, and one warm child, which trains.

parent (no torch) ── message ──> child (torch) ── claim, train, save ──> SQL
│ SIGTERM: asks the child to save its run and return it to the queue, then exits
│ child dies: its run is requeued or announced again immediately, and a new child is started
└ killed: the kernel kills the child
"""

import ctypes
import os
import signal
import socket
import sys
import threading
import time
import warnings
from contextlib import suppress
from typing import Any

import structlog
from billiard.process import active_children
from celery import signals
from celery.exceptions import WorkerLostError
from celery.platforms import SecurityWarning

from gradclinic.kernel.errors import ServiceUnavailable, SetupFailed
from gradclinic.kernel.gpu import visible_gpus
from gradclinic.logs import configure
from gradclinic.queue.messages import celery_app, owner_prefix
from gradclinic.settings import Settings, get_settings
from gradclinic.store import Store

from . import tasks
from .gpu_proof import fault_of_gpu
from .held_run import draining
from .timeslice import request_timeslice
from .trace import start_export, stop_export

log = structlog.get_logger(__name__)

MALLOC = {
    # Statistics deferred past the backward pass would fault their pages in anew at every step otherwise.
    "MALLOC_TRIM_THRESHOLD_": "2000000000",
    "MALLOC_MMAP_THRESHOLD_": "2000000000",
    "MALLOC_TOP_PAD_": str(64 * 2**20),
}
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""One thread per process, because libraries that start a thread per core would compete for the cores."""
PARENT = "GRADCLINIC_WORKER_PARENT"
QUEUES = "GRADCLINIC_SERVED_QUEUES"
"""Where the parent leaves what it serves for its children."""
PAUSE_S = 2.0
"""Seconds before a child that cannot train exits and another one is started."""
PR_SET_PDEATHSIG = 1

app = celery_app(get_settings())
app.conf.imports = ("gradclinic_workers.process.app", "gradclinic_workers.process.tasks")
app.conf.broker_transport = "gradclinic_workers.process.transport:Transport"
app.conf.worker_consumer = "gradclinic_workers.process.transport:Consumer"
app.set_current()


def queues_of(settings: Settings) -> str:
    """The queues that a worker on this machine serves; raises SetupFailed if it shall serve a GPU that does not work.

    A worker that has a GPU serves `gpu` alone, so that no run waits for a GPU on which another run uses the CPU.
    """
    asked = settings.worker_queues
    if asked == "cpu" or (asked == "auto" and not visible_gpus()):
        return "cpu"
    fault = fault_of_gpu()
    if fault is None:
        return "gpu" if asked == "auto" else asked
    if asked == "auto":
        log.warning("gpu_unusable", reason=fault, queues="cpu")
        return "cpu"
    raise SetupFailed(fault)


def main() -> None:
    """Process the queues until SIGTERM or SIGINT."""
    settings = get_settings()
    configure(settings)
    os.environ.update({name: os.environ.get(name, value) for name, value in (MALLOC | THREADS).items()})
    os.environ[PARENT] = str(os.getpid())
    try:
        queues = queues_of(settings)
    except SetupFailed as error:
        log.error("worker_not_started", reason=str(error), queues=settings.worker_queues)  # noqa: TRY400  # a line says it
        sys.exit(1)
    os.environ[QUEUES] = queues
    # Celery warns root of pickled messages; nothing here is pickled, and in a container root is often all there is.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    log.info("worker_started", queues=queues, pid=os.getpid())
    app.worker_main(
        [
            "--quiet",
            "worker",
            f"--queues={queues}",
            f"--hostname=gradclinic-{os.getpid()}@{socket.gethostname()}",
            "--loglevel=WARNING",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
        ]
    )


# --- in the parent ---


def _drain_children(**_: Any) -> None:
    for child in active_children():
        if child.pid is not None:
            os.kill(child.pid, signal.SIGUSR2)


def _release_what_a_dead_child_held(exception: BaseException, args: Any = (), **_: Any) -> None:
    if not isinstance(exception, WorkerLostError) or not args:
        return
    # In a thread, because the parent keeps receiving messages and the database may be unreachable.
    threading.Thread(target=_abandon, args=(str(args[0]),), daemon=True).start()


def _abandon(run_id: str) -> None:
    settings = get_settings()
    store = Store(settings.database_url).everywhere()
    try:
        dead = [owner for owner in store.reconciliation.owners(owner_prefix(os.getpid())) if not _is_alive(owner)]
        store.reconciliation.abandon(dead, max_attempts=settings.max_attempts)
        store.reconciliation.was_not_taken(run_id)  # it may have died before the claim
        log.warning("child_died", message=run_id, owners=dead)
    except ServiceUnavailable:
        log.warning("dead_child_not_reported", message=run_id)  # its lease expires
    finally:
        store.close()


def _is_alive(owner: str) -> bool:
    """Whether the child of this process that holds a run under this name still exists."""
    try:
        os.kill(int(owner.rpartition("/")[2]), 0)
    except ProcessLookupError:
        return False
    return True


# --- in the child ---


def _become_a_trainer(**_: Any) -> None:
    """Initialize this process as a trainer, or exit: Celery would only log the error and keep sending messages."""
    try:
        _prepare()
    except SetupFailed as error:  # a GPU that has failed since
        log.error("trainer_start_failed", reason=str(error), again_in_s=PAUSE_S)  # noqa: TRY400  # a line says it
        time.sleep(PAUSE_S)
        os._exit(1)
    except Exception:
        log.exception("trainer_start_failed", again_in_s=PAUSE_S)
        time.sleep(PAUSE_S)  # the parent immediately starts another one
        os._exit(1)


def _prepare() -> None:
    _end_with(int(os.environ[PARENT]))
    signal.signal(signal.SIGUSR2, lambda *_: draining.set())
    settings = get_settings()
    configure(settings)
    start_export()
    if not request_timeslice():
        log.debug("timeslice_unavailable")
    owner = f"{owner_prefix(os.getppid())}{os.getpid()}"
    tasks.become(tasks.Trainer(settings, owner=owner, queues=os.environ[QUEUES]))


def _leave(**_: Any) -> None:
    """Unregister this worker; a killed worker is forgotten after its lease."""
    with suppress(ServiceUnavailable):
        tasks.trainer().leave()
    stop_export()


def _end_with(parent: int) -> None:
    """Let the kernel kill this process when its parent ends for any reason."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent ended before the call above
        sys.exit(1)


def _leave_logging_as_it_is(**_: Any) -> None:
    """Prevents Celery from installing its own log handlers; `configure` has already set up logging."""


# Signals keep weak references; these functions live as long as the module.
signals.setup_logging.connect(_leave_logging_as_it_is)
signals.worker_shutting_down.connect(_drain_children)
signals.task_failure.connect(_release_what_a_dead_child_held)
signals.worker_process_init.connect(_become_a_trainer)
signals.worker_process_shutdown.connect(_leave)
