"""What many clients get at once, and how the API's memory grows meanwhile.

The whole service runs, with keys, three projects and a rate limit. Each client sends one request after another, mixed:
runs and studies are submitted and cancelled; lists, pages, figures and statistics are read. Whoever gets 429 or
503 waits as long as `Retry-After` says.
"""

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path

import httpx
import psutil
from tests.processes import named

from gradclinic.embedded import Embedded
from gradclinic.settings import Settings
from gradclinic.store import Store

CLIENTS, SECONDS = 200, 60
PROJECTS = ("vision", "speech", "robots")
RATE_LIMIT = "6000/minute"
LONGEST_WAIT_S = 2.0
"""Clients wait no longer, whatever they are told, so that the service stays under load."""
EXPERIMENT = {
    "model": {"kind": "mlp", "depth": 4, "width": 16, "activation": "sigmoid"},
    "data": {"kind": "moons"},
    "optimizer": {"kind": "sgd", "learning_rate": 0.1},
    "training": {"steps": 50, "batch_size": 16},
}
READS = (
    "/v1/runs?limit=50",
    "/v1/runs?view=summary&total=true",
    "/v1/runs?search=sigmoid&sort=-created_at",
    "/v1/studies",
    "/v1/catalogue",
    "/v1/webhooks",
    "/livez",
    "/readyz",
    "/runs",
    "/",
    "/new",
)
OF_RUN = ("", "/statistics", "/diagnosis", "/curves", "/profile", "/report")
EXPECTED = frozenset({404, 409})
"""What a run that has not ended, or has, answers to some of these."""


@dataclass
class Crowd:
    """What happened."""

    clients: int
    seconds: float
    statuses: dict[str, int] = field(default_factory=dict)
    without_retry_after: int = 0
    lost: dict[str, int] = field(default_factory=dict)
    """Requests without an answer, by the error."""
    unexpected: list[str] = field(default_factory=list)
    livez_slowest_s: float = 0.0
    resident_mb: list[int] = field(default_factory=list)
    """Of the API, each second."""


def main() -> None:
    """Print how often each status was answered, and the memory of the API."""
    parser = argparse.ArgumentParser(prog="benchmark crowd", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    asked = parser.parse_args()
    found = measured(asked.clients, asked.seconds)
    if asked.json:
        print(json.dumps(asdict(found), indent=2))
        return
    print("| status | answers |\n|---|---|")
    for status, count in sorted(found.statuses.items()):
        print(f"| {status} | {count:,} |")
    print(f"\nwithout an answer: {found.lost or 'none'}; unexpected: {found.unexpected or 'none'}")
    print(f"slowest /livez: {found.livez_slowest_s:.2f} s; memory of the API in MB: {found.resident_mb[::10]}")


def measured(clients: int, seconds: float) -> Crowd:
    """Start a service, and let so many clients use it for so long."""
    with tempfile.TemporaryDirectory(prefix="gradclinic-crowd-") as folder:
        settings = Settings(data_dir=Path(folder), port=0, access="required", rate_limit=RATE_LIMIT)
        with Embedded(settings, workers=1) as service:
            store = Store(service.settings.database_url)
            keys = [store.keys.create(name, scope="manage", project=name).text for name in PROJECTS]
            store.close()
            (api,) = named(service.settings.data_dir, "uvicorn")
            return asyncio.run(_crowd(service.url, keys, api, Crowd(clients, seconds)))


async def _crowd(url: str, keys: Sequence[str], api: psutil.Process, crowd: Crowd) -> Crowd:
    until = time.monotonic() + crowd.seconds
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits, trust_env=False) as http:
        users = [_Client(http, keys[number % len(keys)], number, crowd) for number in range(crowd.clients)]
        # In a process of its own: the time of an answer is not that in which the crowd's own loop comes back to it.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart:
            seen = asyncio.get_running_loop().run_in_executor(apart, _watched, url, api.pid, crowd.seconds)
            await asyncio.gather(*(user.use(until) for user in users))
            crowd.livez_slowest_s, crowd.resident_mb = await seen
    return crowd


def _watched(url: str, pid: int, seconds: float) -> tuple[float, list[int]]:
    """Slowest answer of `/livez` in seconds, and the memory of the API in MB, each about once a second."""
    slowest, resident, until = 0.0, list[int](), time.monotonic() + seconds
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
        while time.monotonic() < until:
            began = time.monotonic()
            http.get("/livez").raise_for_status()
            slowest = max(slowest, round(time.monotonic() - began, 3))
            resident.append(psutil.Process(pid).memory_info().rss // 2**20)
            time.sleep(1.0)
    return slowest, resident


class _Client:
    """One of the crowd."""

    def __init__(self, http: httpx.AsyncClient, key: str, number: int, crowd: Crowd) -> None:
        self._http, self._crowd, self._rng = http, crowd, random.Random(number)
        self._header = {"Authorization": f"Bearer {key}", "Accept": "*/*"}
        self._runs: list[str] = []

    async def use(self, until: float) -> None:
        lost = self._crowd.lost
        while time.monotonic() < until:
            method, path, body = self._choose()
            try:
                answer = await self._http.request(method, path, json=body, headers=self._header)
            except httpx.HTTPError as error:
                lost[type(error).__name__] = lost.get(type(error).__name__, 0) + 1
                continue
            await asyncio.sleep(self._note(method, path, answer))

    def _choose(self) -> tuple[str, str, object]:
        draw = self._rng.random()
        if draw < 0.04 or not self._runs:
            return "POST", "/v1/runs", {"experiment": EXPERIMENT}
        if draw < 0.05:
            return "POST", "/v1/studies", {"experiment": EXPERIMENT, "seeds": [0, 1, 2]}
        run = self._rng.choice(self._runs)
        if draw < 0.07:
            return "POST", f"/v1/runs/{run}/cancel", None
        if draw < 0.5:
            return "GET", f"/v1/runs/{run}{self._rng.choice(OF_RUN)}", None
        if draw < 0.52:
            return "GET", f"/v1/figures/runs/{run}/profile?format=png", None
        return "GET", self._rng.choice(READS), None

    def _note(self, method: str, path: str, answer: httpx.Response) -> float:
        """Count an answer; returns the seconds to wait before the next request."""
        crowd, status = self._crowd, answer.status_code
        crowd.statuses[str(status)] = crowd.statuses.get(str(status), 0) + 1
        if path == "/v1/runs" and method == "POST" and answer.is_success:
            self._runs.append(answer.json()["id"])
        if status in (429, 503):
            crowd.without_retry_after += "retry-after" not in answer.headers
            return min(LONGEST_WAIT_S, float(answer.headers.get("retry-after", 1)))
        if not answer.is_success and status not in EXPECTED:
            crowd.unexpected.append(f"{status} {method} {path.partition('?')[0]}")
        return 0.0
