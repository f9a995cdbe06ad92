"""Somebody who submits runs and studies, and does not give up before each has been accepted."""

import random
import threading
import time
from collections.abc import Sequence

import httpx

from .tenant import HOOK, Tenant
from .workload import Job

RETRY_S = 0.2
KNOWN = {401, 503}
"""Answers that say nothing of the request itself: the key was replaced meanwhile, or something is away."""


class Client(threading.Thread):
    """Submits jobs to one project, each under an idempotency key, until the service has accepted them all.

    Meanwhile, it asks for the runs of another project, which must not be there for it, and tests its webhook.
    """

    def __init__(
        self,
        url: str,
        tenant: Tenant,
        other: "Client | None",
        jobs: Sequence[Job],
        *,
        rng: random.Random,
        pause_s: float,
    ) -> None:
        super().__init__(name=f"client-{tenant.project}", daemon=True)
        self.tenant, self._other = tenant, other
        self._url, self._jobs, self._rng, self._pause_s = url, jobs, rng, pause_s
        self.accepted: dict[str, Job] = {}
        """The id of each accepted run or study, and what it is to train."""
        self.cancelled: set[str] = set()
        """Runs that were asked to stop."""
        self.tests: list[str] = []
        """The deliveries of accepted tests of the webhook."""
        self.refused = 0
        """Requests that got no answer, or one of `KNOWN`."""
        self.broken: list[str] = []
        """Answers that no client should ever see."""

    def run(self) -> None:
        with httpx.Client(base_url=self._url, timeout=20, trust_env=False) as http:
            for job in self._jobs:
                job_id = self._submit(http, job)
                self.accepted[job_id] = job
                if self._rng.random() < 0.3:  # an answer may get lost on its way: the same request once more
                    again = self._submit(http, job)
                    if again != job_id:
                        self.broken.append(f"the key {job.key} created {job_id} and {again}")
                if self._rng.random() < 0.05:
                    self._cancel(http, self._rng.choice([each for each, job in self.accepted.items() if job.runs == 1]))
                if self._rng.random() < 0.3:
                    self._look_elsewhere(http)
                    self._test_webhook(http)
                time.sleep(self._rng.uniform(0, 2 * self._pause_s * job.runs))

    def _submit(self, http: httpx.Client, job: Job) -> str:
        while True:
            answer = self._try(http, "POST", job.path, json=job.body, headers={"Idempotency-Key": job.key})
            if answer is not None and answer.is_success:
                return str(answer.json()["id"])
            if answer is not None and answer.status_code not in KNOWN:
                self.broken.append(f"{answer.status_code}: {answer.text}")
            time.sleep(RETRY_S)

    def _cancel(self, http: httpx.Client, run_id: str) -> None:
        self.cancelled.add(run_id)
        answer = self._try(http, "POST", f"/v1/runs/{run_id}/cancel")
        if answer is not None and answer.status_code not in {200, 202, 409, *KNOWN}:
            self.broken.append(f"{answer.status_code}: {answer.text}")

    def _look_elsewhere(self, http: httpx.Client) -> None:
        """What another project has is not there, and a key that was replaced opens nothing."""
        theirs = [] if self._other is None else list(self._other.accepted.items())
        for job_id, job in theirs[:1]:
            answer = self._try(http, "GET", f"{job.path}/{job_id}")
            if answer is not None and answer.status_code not in {404, *KNOWN}:
                self.broken.append(f"{self.tenant.project} got {job_id} of another project: {answer.status_code}")
        for key in self.tenant.old_keys[-1:]:
            answer = self._try(http, "GET", "/v1/runs", headers={"Authorization": f"Bearer {key}"})
            if answer is not None and answer.status_code not in KNOWN:
                self.broken.append(f"a replaced key got {answer.status_code}")

    def _test_webhook(self, http: httpx.Client) -> None:
        answer = self._try(http, "POST", f"/v1/webhooks/{HOOK}/test")
        if answer is None or answer.status_code in KNOWN:
            return
        if answer.status_code == 202:
            self.tests.append(answer.json()["id"])
        else:
            self.broken.append(f"{answer.status_code}: {answer.text}")

    def _try(
        self, http: httpx.Client, method: str, path: str, *, json: object = None, headers: dict[str, str] | None = None
    ) -> httpx.Response | None:
        try:
            answer = http.request(method, path, json=json, headers={**self.tenant.header(), **(headers or {})})
        except httpx.HTTPError:
            self.refused += 1
            return None
        if answer.status_code in KNOWN:
            self.refused += 1
        if answer.status_code == 503 and "retry-after" not in answer.headers:
            self.broken.append("a 503 without Retry-After")
        return answer
