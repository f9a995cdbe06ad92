"""Sends the recording from a background thread, so that training never waits for the service.

window() -> bounded queue -> thread: POST, retried with increasing pauses while the service is down. Empty windows keep
the recording alive. If the service rejects a request, or the queue is full, the recording ends, but not the training.
"""

import logging
import os
import queue
import threading
import uuid
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import httpx

from gradclinic.kernel.access import KEY_VARIABLE, authorization
from gradclinic.kernel.json import JsonObject
from gradclinic.kernel.project import PROJECT_VARIABLE
from gradclinic.measurements.record import Series
from gradclinic.measurements.recording import series_to_json

if TYPE_CHECKING:
    from gradclinic.client import Clinic

log = logging.getLogger("gradclinic.recording")

NUMBERS = 60_000
"""Maximum number of values in one window: about a megabyte of JSON."""
MOST_BYTES = 64 * 2**20
"""Maximum size of the queue, as float32."""
ALIVE_S = 30.0
"""Seconds after which an empty window is sent to keep the recording alive."""
PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0
TIMEOUT_S = 10.0

Parts = dict[str, Series]


class Sender:
    """Sends one recording to the service."""

    def __init__(self, to: "str | Clinic") -> None:
        """To the service at a URL, with the key in GRADCLINIC_API_KEY if there is one, or to the service of a client.

        Raises InvalidRequest if the key is malformed.
        """
        self._url = to.rstrip("/") if isinstance(to, str) else to.url
        self._headers = (
            authorization(os.environ.get(KEY_VARIABLE), project=os.environ.get(PROJECT_VARIABLE))
            if isinstance(to, str)
            else to.connection.headers
        )
        self._waiting: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._bytes = 0
        self._lock = threading.Lock()
        self._giving_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gradclinic-recording", daemon=True)
        self._next_window = 0
        self._step = 0
        self.run_id: str | None = None
        self.over: str | None = None
        """The reason why sending stopped; None while it is sending."""
        self.judged: JsonObject | None = None
        """The service's diagnosis, after the end."""

    def declare(self, body: JsonObject) -> None:
        """Send the declaration, and start the thread."""
        self._waiting.put(("declare", dict(body)))
        self._thread.start()

    def window(self, step: int, series: Parts) -> str | None:
        """Queue the records up to `step` finished steps; returns the reason if they are rejected, otherwise None."""
        size = sum(each.values.nbytes + each.steps.nbytes for each in series.values())
        with self._lock:
            if self.over is not None:
                return self.over
            if self._bytes + size > MOST_BYTES:
                return "the service is unreachable, and the buffer is full"
            self._bytes += size
        self._waiting.put(("window", (step, series, size)))
        return None

    def finish(self, ending: JsonObject, *, patience_s: float) -> None:
        """Send the rest and the ending, waiting at most `patience_s` seconds."""
        self._waiting.put(("finish", dict(ending)))
        self._thread.join(timeout=patience_s)
        if self._thread.is_alive():
            self._giving_up.set()
            log.warning("the service at %s did not receive the complete recording within %g s", self._url, patience_s)

    # --- the thread ---

    def _run(self) -> None:
        try:
            with httpx.Client(base_url=self._url, timeout=TIMEOUT_S, headers=self._headers) as client:
                self._send_all(client)
        except _Refused as refused:
            self._stop(str(refused))
        except Exception as error:  # noqa: BLE001  # no error may reach the training
            self._stop(f"{type(error).__name__}: {error}")

    def _send_all(self, client: httpx.Client) -> None:
        while True:
            try:
                kind, body = self._waiting.get(timeout=ALIVE_S)
            except queue.Empty:
                kind, body = "window", (self._step, {}, 0)
            if kind == "declare":
                answer = self._post(client, "/v1/recordings", body, {"Idempotency-Key": uuid.uuid4().hex})
                self.run_id = str(answer["id"])
            elif kind == "window":
                self._send_window(client, *body)
            else:
                run = self._post(client, f"/v1/recordings/{self.run_id}/finish", body | {"windows": self._next_window})
                self.judged = run["diagnosis"]
                return

    def _send_window(self, client: httpx.Client, step: int, series: Parts, size: int) -> None:
        for part in parts(series):
            sent = [series_to_json(*each) for each in part.items()]
            body = {"window": self._next_window, "step": step, "series": sent}
            self._post(client, f"/v1/recordings/{self.run_id}/statistics", body)
            self._next_window += 1
        self._step = step
        with self._lock:
            self._bytes -= size

    def _post(
        self, client: httpx.Client, path: str, body: JsonObject, headers: Mapping[str, str] | None = None
    ) -> JsonObject:
        """The answer, retrying while the service is down; raises _Refused if the service rejects the request."""
        pause = PAUSE_S
        while True:
            try:
                response = client.post(path, json=body, headers=dict(headers or {}))
            except httpx.TransportError as error:
                trouble = str(error) or type(error).__name__
            else:
                if response.is_success:
                    answer: JsonObject = response.json()
                    return answer
                trouble = _detail(response)
                if response.status_code < 500 and response.status_code not in (408, 425, 429):
                    raise _Refused(f"the service rejected the recording: {trouble}")
            if pause == PAUSE_S:
                log.warning("the service at %s is unreachable (%s); records are buffered", self._url, trouble)
            if self._giving_up.wait(pause):
                raise _Refused(f"the service stayed unreachable: {trouble}")
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _stop(self, why: str) -> None:
        with self._lock:
            self.over = why
        if not self._giving_up.is_set():
            log.warning("no more records are sent to %s: %s", self._url, why)


class _Refused(Exception):  # its message is the reason
    """The service rejected a request."""


def parts(series: Parts) -> Iterator[Parts]:
    """The series in portions that fit into one request; an empty one is a portion itself."""
    portion: Parts = {}
    numbers = 0
    for name, each in series.items():
        width = each.values.shape[1] + 1
        first = 0
        while first < len(each):
            room = max(1, (NUMBERS - numbers) // width)
            taken = Series(each.steps[first : first + room], each.values[first : first + room])
            if portion and numbers + width > NUMBERS:
                yield portion
                portion, numbers = {}, 0
                continue
            portion[name] = taken
            numbers += len(taken) * width
            first += len(taken)
            if first < len(each):
                yield portion
                portion, numbers = {}, 0
    if portion or not series:
        yield portion


def _detail(response: httpx.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {response.status_code}"
