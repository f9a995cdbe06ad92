"""Sends what was recorded from a thread of its own, so that the training never waits for the service.

put() -> bounded queue -> thread: POST, again with longer pauses while the service is away; empty windows say
that the program lives. A refusal, or a full queue, ends the recording, never the training.
"""

import logging
import os
import queue
import threading
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from gradclinic.kernel.access import KEY_VARIABLE, authorization
from gradclinic.kernel.json import JsonObject
from gradclinic.measurements.record import Series
from gradclinic.measurements.recording import series_to_json

log = logging.getLogger("gradclinic.recording")

NUMBERS = 60_000
"""Numbers in one window at most: about a megabyte of JSON."""
MOST_BYTES = 64 * 2**20
"""What waits for the service at most; as float32."""
ALIVE_S = 30.0
"""Seconds after which an empty window says that the program lives."""
PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0
TIMEOUT_S = 10.0

Parts = dict[str, Series]


class Sender:
    """One recording's way to the service."""

    def __init__(self, url: str) -> None:
        """It sends the key in GRADCLINIC_API_KEY, if there is one; raises InvalidRequest if that is malformed."""
        self._url = url.rstrip("/")
        self._headers = authorization(os.environ.get(KEY_VARIABLE))
        self._waiting: queue.Queue[tuple[str, Any]] = queue.Queue()
        self._bytes = 0
        self._lock = threading.Lock()
        self._giving_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gradclinic-recording", daemon=True)
        self._next_window = 0
        self._step = 0
        self.run_id: str | None = None
        self.over: str | None = None
        """Why nothing more is sent, where that is so."""
        self.judged: JsonObject | None = None
        """The service's diagnosis, in the end."""

    def declare(self, body: JsonObject) -> None:
        """Begin, with the recording's declaration."""
        self._waiting.put(("declare", dict(body)))
        self._thread.start()

    def window(self, step: int, series: Parts) -> str | None:
        """Take what was recorded up to `step` finished steps; the answer is why not, where no more is taken."""
        size = sum(each.values.nbytes + each.steps.nbytes for each in series.values())
        with self._lock:
            if self.over is not None:
                return self.over
            if self._bytes + size > MOST_BYTES:
                return "the service is away, and no more can wait for it"
            self._bytes += size
        self._waiting.put(("window", (step, series, size)))
        return None

    def finish(self, ending: JsonObject, *, patience_s: float) -> None:
        """Send the rest and the end, for as long as patience lasts."""
        self._waiting.put(("finish", dict(ending)))
        self._thread.join(timeout=patience_s)
        if self._thread.is_alive():
            self._giving_up.set()
            log.warning("the service at %s did not take all of the recording within %g s", self._url, patience_s)

    # --- the thread ---

    def _run(self) -> None:
        try:
            with httpx.Client(base_url=self._url, timeout=TIMEOUT_S, headers=self._headers) as client:
                self._send_all(client)
        except _Refused as refused:
            self._stop(str(refused))
        except Exception as error:  # noqa: BLE001  # nothing of this may reach the training
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
        """The answer, however long the service is away; raises _Refused where it will not have it."""
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
                    raise _Refused(f"the service refused it: {trouble}")
            if pause == PAUSE_S:
                log.warning("the service at %s is away (%s); what is recorded waits", self._url, trouble)
            if self._giving_up.wait(pause):
                raise _Refused(f"the service stayed away: {trouble}")
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _stop(self, why: str) -> None:
        with self._lock:
            self.over = why
        if not self._giving_up.is_set():
            log.warning("nothing more is recorded at %s: %s", self._url, why)


class _Refused(Exception):  # it says what is wrong
    """What would be sent is not wanted."""


def parts(series: Parts) -> Iterator[Parts]:
    """The series in portions that a request can hold; of an empty one, itself."""
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
