"""A service with real runs in it: a sick network with a remedy beside it, one that broke, and one that waits."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from gradclinic.api import create_app
from gradclinic.settings import Settings
from gradclinic.store import migrate
from gradclinic_workers.tasks import Trainer

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

    def page(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text


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
        trainer = Trainer(settings, owner="test:1:1")
        runs = client.get("/v1/runs", params={"study": study["id"]}).json()["items"]
        for run in [*runs, broken]:
            trainer.train(run["id"])
        trainer.close()
        sick = next(run["id"] for run in runs if run["arm"] == "baseline" and run["seed"] == 0)
        waiting = client.post("/v1/runs", json={"experiment": EXPERIMENT}).json()
        yield Clinic(client, study["id"], sick, broken["id"], waiting["id"])
