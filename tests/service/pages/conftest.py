"""A service with real runs in it: a sick network with a remedy beside it, one that broke, and one that waits; a swept
study, a search for a cure that has ended and one that goes on, a claim that was tested, a check that has a verdict and
one that goes on, and the schedule of checks."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from gradclinic.settings import Settings
from gradclinic.store import migrate
from gradclinic.use_cases.check import conclude
from gradclinic.use_cases.prescription import step
from gradclinic.web import create_app
from gradclinic_workers.process.tasks import Trainer

NASTY = "<script>alert(1)</script> & <b>bold</b> $x^2$"
EXPERIMENT = {
    "model": {"kind": "mlp", "depth": 8, "width": 16, "activation": "sigmoid"},
    "data": {"kind": "digits"},
    "optimizer": {"kind": "sgd", "learning_rate": 0.1},
    "training": {"steps": 30, "batch_size": 32},
}


@dataclass(frozen=True)
class Clinic:
    client: TestClient
    study: str
    sick: str
    broken: str
    waiting: str
    swept: str
    prescription: str
    searching: str
    claim: str
    check: str
    checking: str

    def page(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text


def swept_study() -> dict:
    rates = {"field": "/optimizer/learning_rate", "values": [0.001, 0.1, 1e6]}
    depths = {"field": "/model/depth", "values": [1, 2]}
    return {
        "experiment": {**EXPERIMENT, "model": {**EXPERIMENT["model"], "activation": "relu"}},
        "arms": [{"name": NASTY, "remedies": [{"kind": "add_batch_norm"}]}],
        "seeds": [0],
        "sweep": [rates, depths],
    }


def search() -> dict:
    return {"experiment": EXPERIMENT, "budget": {"runs": 16}, "name": NASTY, "labels": {"team": NASTY}}


def explosive() -> dict:
    initialization = {"scheme": "kaiming_normal", "gain": 5.0}
    return {
        **EXPERIMENT,
        "model": {**EXPERIMENT["model"], "activation": "relu", "initialization": initialization},
        "optimizer": {"kind": "sgd", "learning_rate": 100.0},
    }


@pytest.fixture(scope="package")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    folder: Path = tmp_path_factory.mktemp("dashboard")
    # Nobody listens on port 1: what is stored waits, and the tests train it themselves.
    settings = Settings(data_dir=folder, broker_url="redis://127.0.0.1:1/0")
    migrate.upgrade(settings.database_url)
    with TestClient(create_app(settings), base_url="http://127.0.0.1") as client:
        arms = [{"name": NASTY, "remedies": [{"kind": "add_batch_norm"}]}]
        study = client.post(
            "/v1/studies", json={"experiment": EXPERIMENT, "arms": arms, "seeds": [0, 1], "name": NASTY}
        ).json()
        broken = client.post("/v1/runs", json={"experiment": explosive(), "name": NASTY}).json()
        swept = client.post("/v1/studies", json=swept_study()).json()
        claim = next(
            each
            for each in client.get("/v1/claims", params={"quick": True}).json()["items"]
            if each["id"] == "lower_rate_avoids_divergence"
        )
        tested = client.post("/v1/studies", json=claim["study"]).json()
        prescription = client.post("/v1/prescriptions", json=search()).json()
        trainer = Trainer(settings, owner="test:1:1")
        runs = client.get("/v1/runs", params={"study": study["id"]}).json()["items"]
        waiting = client.get("/v1/runs", params={"status": "queued", "limit": 200}).json()["items"]
        while waiting:
            for run in waiting:
                trainer.train(run["id"])
            step(client.app.state.service, prescription["id"])
            waiting = client.get("/v1/runs", params={"status": "queued", "limit": 200}).json()["items"]
        client.put("/v1/baselines/main", json={"study_id": study["id"], "arm": "baseline"}).raise_for_status()
        body = {"baseline": "main", "name": NASTY, "labels": {"team": NASTY}}
        check = client.post("/v1/checks", json=body).json()
        for run_id in check["run_ids"]:
            trainer.train(run_id)
        trainer.close()
        conclude(client.app.state.service, check["id"])
        nightly = {"name": "nightly", "cron": "0 3 * * *", "check": {"baseline": "main"}}
        client.post("/v1/schedules", json=nightly).raise_for_status()
        sick = next(run["id"] for run in runs if run["arm"] == "baseline" and run["seed"] == 0)
        waiting = client.post("/v1/runs", json={"experiment": EXPERIMENT}).json()
        searching = client.post("/v1/prescriptions", json={**search(), "name": None}).json()
        checking = client.post("/v1/checks", json={"baseline": "main"}).json()
        yield Clinic(
            client,
            study=study["id"],
            sick=sick,
            broken=broken["id"],
            waiting=waiting["id"],
            swept=swept["id"],
            prescription=prescription["id"],
            searching=searching["id"],
            claim=tested["id"],
            check=check["id"],
            checking=checking["id"],
        )
