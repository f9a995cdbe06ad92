"""Sends alerts to webhooks, beside the reconciler: each webhook in order, several webhooks at a time.

A sender holds a webhook for longer than an attempt can take. If it dies, the next one sends the alert again, with the
same `webhook-id`, by which a receiver knows it.
"""

import asyncio
import random
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import cache

import httpx
import structlog

from ...kernel.errors import ServiceUnavailable
from ...store import Attempt, Outgoing
from ..service import Service
from .message import Message, message_of
from .target import NoTarget, resolve

log = structlog.get_logger(__name__)

ATTEMPT_S = 15.0
"""Seconds that an attempt may take, from the look-up of the name to the answer."""
HELD_S = 60.0
"""Seconds for which a sender holds a webhook."""
AT_ONCE = 8
"""Webhooks that are sent to at the same time."""
IN_A_ROW = 20
"""Alerts that a webhook gets before others have their turn."""
LOOK_EVERY_S = 1.0
FIRST_WAIT_S = 5.0
LONGEST_WAIT_S = 6 * 3600.0
MOST_ATTEMPTS = 10
"""Attempts before an alert is lost. With their waits, they take about 20 hours."""


@dataclass(frozen=True)
class Response:
    """What a receiver answered."""

    status: int
    retry_after_s: float = 0.0


class Sender:
    """One sender: `round` sends what is due, `loop` repeats it until stopped."""

    def __init__(self, service: Service, *, jitter: Callable[[], float] = lambda: random.uniform(0.5, 1.5)) -> None:  # noqa: S311
        self._service, self._jitter = service.everywhere(), jitter
        self._stop = threading.Event()

    def round(self) -> int:
        """Send what is due now; returns the number of attempts. Raises ServiceUnavailable."""
        due = self._service.store.webhooks.due(limit=AT_ONCE)
        if not due:
            return 0
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return sum(pool.map(self._send_in_a_row, due))

    def loop(self, stop: threading.Event) -> None:
        """Run rounds until stopped, with a pause if nothing is due or the database is unreachable."""
        self._stop = stop
        while not stop.is_set():
            try:
                sent = self.round()
            except ServiceUnavailable:
                sent = 0
            except Exception:
                sent = 0
                log.exception("sender_failed")
            if not sent:
                stop.wait(LOOK_EVERY_S)

    def _send_in_a_row(self, webhook_id: str) -> int:
        for sent in range(IN_A_ROW):
            outgoing = None if self._stop.is_set() else self._service.store.webhooks.hold(webhook_id, for_s=HELD_S)
            if outgoing is None:
                return sent
            attempt = self._attempt(outgoing)
            self._service.store.webhooks.settle(outgoing, attempt)
            log.info(
                "alert_sent" if attempt.status == "delivered" else "alert_not_delivered",
                webhook=outgoing.webhook.name,
                project=outgoing.webhook.project,
                delivery=outgoing.delivery.id,
                status=attempt.status,
                problem=attempt.problem,
            )
        return IN_A_ROW

    def _attempt(self, outgoing: Outgoing) -> Attempt:
        webhook, delivery = outgoing.webhook, outgoing.delivery
        settings = self._service.settings
        message = message_of(webhook, delivery, public_url=settings.public_url, now=datetime.now(timezone.utc))
        try:
            response = asyncio.run(post(webhook.url, message, private=settings.webhook_private))
        except NoTarget as why:
            return self._failed(delivery.attempts + 1, None, str(why))
        return self._judged(delivery.attempts + 1, response)

    def _judged(self, attempts: int, response: Response) -> Attempt:
        if 200 <= response.status < 300:
            return Attempt(status="delivered", response_status=response.status, problem=None)
        if response.status == 410:
            problem = "it answered 410: it wants no more alerts"
            return Attempt(status="lost", response_status=410, problem=problem, ends_webhook=True)
        failed = self._failed(attempts, response.status, f"it answered {response.status}")
        return replace(failed, wait_s=max(failed.wait_s, response.retry_after_s))

    def _failed(self, attempts: int, status: int | None, problem: str) -> Attempt:
        if attempts >= MOST_ATTEMPTS:
            text = f"{problem}; given up after {attempts} attempts"
            return Attempt(status="lost", response_status=status, problem=text)
        wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 4 ** (attempts - 1)) * self._jitter()
        return Attempt(status="pending", response_status=status, problem=problem, wait_s=wait_s)


async def post(url: str, message: Message, *, private: bool) -> Response:
    """Send a message by HTTP; raises NoTarget if there is no answer. Redirects are not followed, no body is read."""
    try:
        return await asyncio.wait_for(_posted(httpx.URL(url), message, private=private), ATTEMPT_S)
    except TimeoutError:
        raise NoTarget(f"there was no answer within {ATTEMPT_S:g} s") from None
    except httpx.ConnectError:
        raise NoTarget("the connection failed, or its certificate is not valid") from None
    except (httpx.HTTPError, OSError):
        raise NoTarget("the connection was lost before there was an answer") from None


async def _posted(target: httpx.URL, message: Message, *, private: bool) -> Response:
    port = target.port or (443 if target.scheme == "https" else 80)
    address = await resolve(target.host, port, private=private)
    async with httpx.AsyncClient(verify=_certificates(), trust_env=False, timeout=ATTEMPT_S) as client:
        request = client.build_request(
            "POST",
            target.copy_with(host=address),
            content=message.body,
            headers={**message.headers, "Host": target.netloc.decode("ascii")},
            extensions={"sni_hostname": target.raw_host.decode("ascii")},
        )
        response = await client.send(request, stream=True, follow_redirects=False)
        await response.aclose()
    return Response(response.status_code, _retry_after_s(response))


@cache
def _certificates() -> ssl.SSLContext:
    return ssl.create_default_context()


def _retry_after_s(response: httpx.Response) -> float:
    """What `Retry-After` says in seconds, within bounds; 0 if it says nothing."""
    text = response.headers.get("retry-after", "")
    return min(LONGEST_WAIT_S, float(text)) if text.isascii() and text.isdigit() and len(text) < 10 else 0.0
