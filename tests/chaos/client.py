"""Somebody who submits runs, and does not give up before each has been accepted."""

import random
import threading
import time
from collections.abc import Sequence

import httpx

from .workload import Job

RETRY_S = 0.2


class Client(threading.Thread):
    """Submits jobs one after another, each under a key of its own, until the service has accepted them all."""

    def __init__(self, url: str, jobs: Sequence[Job], *, rng: random.Random, pause_s: float, cancels: float) -> None:
        super().__init__(name="client", daemon=True)
        self._url, self._jobs, self._rng, self._pause_s, self._cancels = url, jobs, rng, pause_s, cancels
        self.accepted: dict[str, Job] = {}
        """The id of each accepted run, and what it is to train."""
        self.cancelled: set[str] = set()
        """Runs that were asked to stop."""
        self.refused = 0
        """Requests that got no answer, or a 503."""
        self.broken: list[str] = []
        """Answers that no client should ever see."""

    def run(self) -> None:
        with httpx.Client(base_url=self._url, timeout=20, trust_env=False) as http:
            for job in self._jobs:
                run_id = self._submit(http, job)
                self.accepted[run_id] = job
                if self._rng.random() < 0.3:  # an answer may get lost on its way: the same request once more
                    again = self._submit(http, job)
                    if again != run_id:
                        self.broken.append(f"the key {job.key} created {run_id} and {again}")
                if self._rng.random() < self._cancels:
                    self._cancel(http, self._rng.choice(list(self.accepted)))
                time.sleep(self._rng.uniform(0, 2 * self._pause_s))

    def _submit(self, http: httpx.Client, job: Job) -> str:
        while True:
            answer = self._try(
                http, "/v1/runs", json={"experiment": job.experiment}, headers={"Idempotency-Key": job.key}
            )
            if answer is not None and answer.is_success:
                return str(answer.json()["id"])
            if answer is not None and answer.status_code != 503:
                self.broken.append(f"{answer.status_code}: {answer.text}")
            time.sleep(RETRY_S)

    def _cancel(self, http: httpx.Client, run_id: str) -> None:
        self.cancelled.add(run_id)
        answer = self._try(http, f"/v1/runs/{run_id}/cancel")
        if answer is not None and answer.status_code not in {200, 202, 409, 503}:
            self.broken.append(f"{answer.status_code}: {answer.text}")

    def _try(self, http: httpx.Client, path: str, **request: object) -> httpx.Response | None:
        try:
            answer = http.post(path, **request)  # type: ignore[arg-type]  # httpx's own keywords
        except httpx.HTTPError:
            self.refused += 1
            return None
        if answer.status_code == 503:
            self.refused += 1
            if "retry-after" not in answer.headers:
                self.broken.append("a 503 without Retry-After")
        return answer
