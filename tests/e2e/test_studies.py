"""A study as its users know it: real workers and a real queue, on both databases."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from gradclinic.embedded import Embedded
from gradclinic.settings import Settings
from gradclinic.store import migrate

from ..processes import processes_of
from ..service.api.serving import NOBODY, serving, train
from ..waiting import eventually

EXPERIMENT: dict[str, Any] = {
    "model": {"kind": "mlp", "depth": 4, "width": 8, "activation": "sigmoid"},
    "data": {"kind": "moons"},
    "optimizer": {"kind": "sgd", "learning_rate": 0.1},
    "training": {"steps": 25, "batch_size": 16},
}
ARMS: list[dict[str, Any]] = [
    {"name": "batch norm", "remedies": [{"kind": "add_batch_norm"}]},
    {"name": "relu", "remedies": [{"kind": "swap_activation", "activation": "relu"}]},
]
OF_THE_CLOCK = ("train_seconds", "recording_seconds", "alone_step_seconds", "peak_memory_bytes")
"""What a run measures of the machine's moment, not of the network."""


def settings_for(folder: Path, database_url: str) -> Settings:
    return Settings(data_dir=folder, database_url=database_url, port=0, lease_ttl_s=20, heartbeat_s=1)


@pytest.fixture
def api(tmp_path: Path, database_url: str) -> Iterator[httpx.Client]:
    """A service with two workers; once on SQLite, once on PostgreSQL."""
    with (
        Embedded(settings_for(tmp_path, database_url), workers=2) as service,
        httpx.Client(base_url=service.url, timeout=60, trust_env=False) as client,
    ):
        yield client
    assert processes_of(tmp_path) == []


def posted(api: httpx.Client, *, arms: list[dict[str, Any]], seeds: list[int]) -> dict[str, Any]:
    answer = api.post("/v1/studies", json={"experiment": EXPERIMENT, "arms": arms, "seeds": seeds})
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


def by_status(api: httpx.Client, study: dict[str, Any]) -> dict[str, int]:
    return dict(api.get(study["urls"]["self"]).json()["progress"]["by_status"])


def measured(api: httpx.Client, study: dict[str, Any]) -> dict[tuple[str, int], Any]:
    """Everything that the study's runs measured, apart from the clock's part of it."""
    runs = api.get("/v1/runs", params={"study": study["id"], "limit": 200}).json()["items"]
    return {
        (run["arm"], run["seed"]): {
            "metrics": {name: value for name, value in run["metrics"].items() if name not in OF_THE_CLOCK},
            "diagnosis": run["diagnosis"],
            "statistics": api.get(run["urls"]["statistics"]).json()["statistics"],
        }
        for run in runs
    }


def effects(api: httpx.Client, study: dict[str, Any]) -> list[Any]:
    arms = api.get(study["urls"]["comparison"]).json()["arms"]
    return [[arm[key] for key in ("arm", "rank", "verdict", "reason", "effects", "conditions")] for arm in arms]


@pytest.mark.slow
def test_a_study_of_five_hundred_runs_is_watched_cancelled_half_way_and_its_part_compared(api: httpx.Client) -> None:
    study = posted(api, arms=ARMS[:1], seeds=list(range(250)))
    assert study["progress"]["runs"] == 500
    for look in (partial(_succeeded, api, study, 1), partial(_has_pairs, api, study)):
        eventually(look, within_s=300)

    assert api.post(study["urls"]["cancel"]).status_code == 202
    eventually(lambda: not by_status(api, study).keys() & {"queued", "running"}, within_s=120)
    ended = api.get(study["urls"]["self"]).json()
    assert ended["status"] == "succeeded", "as a study with a result has, cancelled or not"
    counts = ended["progress"]["by_status"]
    assert counts.keys() == {"succeeded", "canceled"}
    assert sum(counts.values()) == 500

    found = api.get(study["urls"]["comparison"]).json()
    (arm,) = found["arms"]
    assert found["complete"]
    assert found["baseline_runs"] + arm["runs"] == counts["succeeded"]
    assert arm["lost"] == 250 - arm["runs"]
    assert arm["effects"]["final_validation_loss"]["pairs"] >= 1


def _succeeded(api: httpx.Client, study: dict[str, Any], count: int) -> bool:
    """Whether so many runs have succeeded, as the study's own page says while it goes on."""
    return by_status(api, study).get("succeeded", 0) >= count


def _has_pairs(api: httpx.Client, study: dict[str, Any]) -> bool:
    """Whether a seed has ended in both arms, as the comparison says; one arm may be ahead by an ensemble."""
    (arm,) = api.get(study["urls"]["comparison"]).json()["arms"]
    return bool(arm["effects"].get("final_validation_loss", {}).get("pairs"))


@pytest.mark.slow
def test_a_study_is_reproduced_exactly_whatever_the_order_and_the_number_of_workers(
    api: httpx.Client, tmp_path: Path
) -> None:
    by_two = posted(api, arms=ARMS, seeds=[0, 1, 2])
    eventually(lambda: by_status(api, by_two) == {"succeeded": 9}, within_s=300)

    alone = Settings(data_dir=tmp_path, database_url=f"sqlite:///{tmp_path / 'alone.db'}", broker_url=NOBODY)
    migrate.upgrade(alone.database_url)
    with serving(alone) as one:
        by_one = posted(one, arms=ARMS, seeds=[0, 1, 2])
        runs = one.get("/v1/runs", params={"study": by_one["id"], "limit": 200}).json()["items"]
        train(alone, *sorted(run["id"] for run in runs)[::-1], max_lanes=alone.max_lanes)
        assert by_status(one, by_one) == {"succeeded": 9}
        assert measured(one, by_one) == measured(api, by_two)
        assert effects(one, by_one) == effects(api, by_two)
