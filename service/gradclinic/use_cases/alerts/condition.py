"""The conditions of a project's runs, queues and workers whose changes are alerts."""

from collections.abc import Iterator
from dataclasses import dataclass

from ...kernel.vocabulary import AlertKind
from ...queue.messages import QUEUES
from ...settings import Settings
from ...store import Alert, Signs
from ..service import Service


@dataclass(frozen=True)
class Condition:
    """A subject that is well or not, and the alert for it."""

    subject: str
    is_bad: bool
    alert: Alert


def watch(service: Service) -> int:
    """Look at the project of a service; returns how many of its conditions have changed."""
    settings = service.settings
    signs = service.store.signs(last=settings.alert_failed_runs, seen_within_s=gone_after_s(settings))
    return sum(
        service.store.webhooks.change_state(each.subject, is_bad=each.is_bad, alert=each.alert)
        for each in conditions(signs, settings)
    )


def gone_after_s(settings: Settings) -> float:
    """Seconds after which a worker that was not seen is gone; so long, runs may wait for one that is starting."""
    return 2 * settings.lease_ttl_s


def conditions(signs: Signs, settings: Settings) -> Iterator[Condition]:
    """All conditions that follow from the signs."""
    yield _runs(signs.last_failed, most=settings.alert_failed_runs)
    for queue in QUEUES:
        waits_s = signs.waiting_s.get(queue, 0.0)
        yield _queue(queue, waits_s, most_s=settings.alert_queue_s)
        yield _workers(queue, are_gone=waits_s > gone_after_s(settings) and queue not in signs.served)


def _runs(failed: int, *, most: int) -> Condition:
    bad = failed >= most
    text = f"The last {most} runs failed or expired." if bad else "A run succeeded again."
    kind: AlertKind = "runs.failing" if bad else "runs.recovered"
    return Condition("runs", bad, Alert(kind=kind, text=text, path="/runs?status=failed", facts={"failed": failed}))


def _queue(queue: str, waits_s: float, *, most_s: float) -> Condition:
    bad, seconds = waits_s > most_s, round(waits_s)
    text = f"A run has waited in the queue {queue} for {seconds} s." if bad else f"The queue {queue} moves on again."
    kind: AlertKind = "queue.waiting" if bad else "queue.recovered"
    facts = {"queue": queue, "waiting_s": seconds}
    return Condition(f"queue {queue}", bad, Alert(kind=kind, text=text, path="/runs?status=queued", facts=facts))


def _workers(queue: str, *, are_gone: bool) -> Condition:
    gone = f"Runs wait in the queue {queue}, and no worker serves it."
    text = gone if are_gone else f"The runs of the queue {queue} have a worker again, or none waits."
    kind: AlertKind = "workers.gone" if are_gone else "workers.recovered"
    alert = Alert(kind=kind, text=text, path="/", facts={"queue": queue})
    return Condition(f"workers {queue}", are_gone, alert)
