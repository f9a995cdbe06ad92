"""A project of the service: with keys of its own, a webhook, a baseline, and a schedule of checks against it."""

import threading
from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy import update

from gradclinic.settings import Settings
from gradclinic.store import Store
from gradclinic.store import tables as t
from gradclinic.use_cases.alerts.message import new_signing_secret

from ..service.use_cases.alerts.receiver import Receiver
from ..waiting import eventually
from .workload import SEEDS, experiment

HOOK, BASELINE, SCHEDULE = "hook", "main", "minutely"


@dataclass
class Tenant:
    """Who uses one project."""

    project: str
    store: Store
    receiver: Receiver
    secrets: list[str] = field(default_factory=list)
    """The secrets that its alerts are signed with, in the order of their rotations."""
    refused: int = 0
    """How many alerts its receiver was told to refuse."""
    old_keys: list[str] = field(default_factory=list)
    key: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.key = self.store.keys.create(self.project, scope="manage", project=self.project).text

    def header(self) -> dict[str, str]:
        with self._lock:
            return {"Authorization": f"Bearer {self.key}"}

    def rotate_key(self) -> None:
        """A new key; the old one is worth nothing from now on. Raises ServiceUnavailable."""
        issued = self.store.keys.rotate(self.key.partition(".")[0], old_lasts_s=0.0)
        with self._lock:
            self.old_keys.append(self.key)
            self.key = issued.text

    def rotate_secret(self) -> None:
        """Sign with a new secret, and for an hour with the old one, too. Raises ServiceUnavailable."""
        secret = new_signing_secret()
        self.store.webhooks.rotate(HOOK, secret, old_lasts_s=3600.0)
        self.secrets.append(secret)

    def pause(self) -> None:
        """Start no further checks."""
        self.store.schedules.set_paused(SCHEDULE, paused=True)

    def settle(self, url: str) -> str:
        """Set the project up; the id of the study whose runs are its baseline."""
        with httpx.Client(base_url=url, headers=self.header(), timeout=30, trust_env=False) as http:
            made = _post(http, "/v1/webhooks", {"name": HOOK, "url": self.receiver.url})
            self.secrets.append(made["secret"])
            study = str(_post(http, "/v1/studies", {"experiment": experiment(0), "seeds": SEEDS})["id"])
            eventually(lambda: self.store.studies.get(study).status == "succeeded", within_s=120)
            http.put(f"/v1/baselines/{BASELINE}", json={"study_id": study, "arm": "baseline"}).raise_for_status()
            _post(http, "/v1/schedules", {"name": SCHEDULE, "cron": "* * * * *", "check": {"baseline": BASELINE}})
        self._make_due()
        return study

    def _make_due(self) -> None:
        """As if the schedule had been made two minutes ago, so that it is due at once."""
        schedules, database = t.schedules.c, self.store._database
        with database.write() as connection:
            connection.execute(update(t.schedules).values(since=schedules.since - 120))


def tenants_of(settings: Settings, receivers: dict[str, Receiver]) -> list[Tenant]:
    """One for each project that has a receiver."""
    return [
        Tenant(project, Store(settings.database_url).within(project), receiver)
        for project, receiver in receivers.items()
    ]


def _post(http: httpx.Client, path: str, body: object) -> dict[str, Any]:
    answer = http.post(path, json=body)
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found
