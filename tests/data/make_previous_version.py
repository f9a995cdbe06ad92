"""Makes the database of `previous_version.db.xz`, and what its own version answers of it, `previous_version.json.xz`.

Run it with the code of the version whose data shall go on being read, from a checkout of that version:

    python .../tests/data/make_previous_version.py FOLDER

It trains a handful of tiny networks with a local service, stops it, and asks once more without any worker. The present
files were made by commit 29548e4.
"""

import io
import json
import lzma
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from starlette.testclient import TestClient

from gradclinic import Clinic
from gradclinic.settings import Settings

NOBODY = "redis://127.0.0.1:1/0"
SICK: dict[str, Any] = {
    "model": {"kind": "mlp", "depth": 8, "width": 12, "activation": "sigmoid"},
    "data": {"kind": "moons", "n": 200},
    "optimizer": {"kind": "sgd", "learning_rate": 0.1},
    "training": {"steps": 50, "batch_size": 16},
}
HEALTHY: dict[str, Any] = {
    "model": {"kind": "mlp", "depth": 2, "width": 16, "activation": "relu"},
    "data": {"kind": "blobs", "n": 200},
    "optimizer": {"kind": "adam", "learning_rate": 0.01},
    "training": {"steps": 60, "batch_size": 16},
}
EXPLODING: dict[str, Any] = {
    "model": {
        "kind": "mlp",
        "depth": 8,
        "width": 12,
        "activation": "relu",
        "initialization": {"scheme": "kaiming_normal", "gain": 5.0},
    },
    "data": {"kind": "moons", "n": 200},
    "optimizer": {"kind": "sgd", "learning_rate": 100.0},
    "training": {"steps": 40, "batch_size": 16},
}
RECURRENT: dict[str, Any] = {
    "model": {"kind": "rnn", "cell": "rnn", "width": 8},
    "data": {"kind": "first_token", "n": 200},
    "optimizer": {"kind": "sgd", "learning_rate": 0.1},
    "training": {"steps": 40, "batch_size": 16},
}


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True)
    with Clinic.local(folder, workers=2) as clinic:
        _fill(clinic, folder)
    (folder / "previous_version.db.xz").write_bytes(lzma.compress(_packed(folder / "gradclinic.db"), preset=9))
    answers = json.dumps(_answers(folder), separators=(",", ":"))
    (folder / "previous_version.json.xz").write_bytes(lzma.compress(answers.encode(), preset=9))


def _fill(clinic: Clinic, folder: Path) -> None:
    singles = [
        clinic.run(HEALTHY, name="healthy", labels={"team": "vision"}),
        clinic.run(EXPLODING, name="exploding"),
        clinic.run(SICK, [{"kind": "clip_gradients"}], name="vanishing, clipped"),
        clinic.run(RECURRENT, name="recurrent"),
    ]
    study = clinic.study(SICK, {"batch norm": [{"kind": "add_batch_norm"}]}, seeds=[0, 1], name="which helps?")
    swept = clinic.study(
        {**HEALTHY, "training": {"steps": 40, "batch_size": 16}},
        seeds=[0],
        sweep={"/optimizer/learning_rate": [0.001, 0.1]},
        control=True,
    )
    prescription = clinic.prescribe(SICK, runs=8, name="a cure", labels={"team": "vision"})
    table = np.random.default_rng(0)
    np.savez(buffer := io.BytesIO(), inputs=table.random((40, 3), np.float32), targets=table.integers(0, 2, 40))
    (folder / "rows.npz").write_bytes(buffer.getvalue())
    uploaded = clinic.upload(folder / "rows.npz")
    own = {**HEALTHY, "data": {"kind": "uploaded", "id": uploaded["id"]}}
    singles.append(clinic.run(own, name="on uploaded rows"))
    _record(clinic)
    for each in (*singles, study, swept, prescription):
        each.wait()
    clinic.pin("main", study=study, arm="batch norm")
    changed = clinic.check("main", SICK, [{"kind": "swap_activation", "activation": "relu"}], name="changed")
    same = clinic.check("main", margins={"final_validation_loss": 0.5, "final_train_loss": 0.5})
    clinic.schedule("each-minute", "* * * * *", {"baseline": "main", "seeds": [0]})
    for check in (changed, same):
        check.wait()
    clinic.pin("main", check=same)
    while not (fired := list(clinic.checks(schedule="each-minute"))):
        time.sleep(1)
    clinic.pause_schedule("each-minute")
    fired[0].wait()
    endless = clinic.run({**SICK, "training": {"steps": 1_000_000, "batch_size": 16}}, name="cancelled")
    clinic.post(f"/v1/runs/{endless.id}/cancel")
    endless.wait()


def _record(clinic: Clinic) -> None:
    """What a program of its own records of a network whose gradient vanishes, and ends."""
    sites = [{"name": name, "units": 8, "activation": "tanh"} for name in ("first", "second", "third")]
    weights = [{"name": each["name"], "shape": [8, 8]} for each in sites]
    declared = {"batch_size": 16, "steps": 40, "sites": sites, "weights": weights, "constant_loss": 0.69, "name": "own"}
    recording = clinic.post("/v1/recordings", declared)
    at = recording["urls"]
    for window in range(2):
        steps = list(range(20 * window, 20 * window + 20))
        series = [
            {"statistic": "train_loss", "steps": steps, "values": [[0.69 - 1e-4 * step] for step in steps]},
            {
                "statistic": "site_grad_rms",
                "steps": steps,
                "values": [[1e-7, 1e-4, 1e-1 * (1 + step / 40)] for step in steps],
            },
        ]
        clinic.post(at["statistics"], {"window": window, "step": steps[-1] + 1, "series": series})
    clinic.post(at["finish"], {"windows": 2, "train_seconds": 1.5})


def _packed(database: Path) -> bytes:
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("VACUUM")
    connection.close()
    return database.read_bytes()


def _answers(folder: Path) -> list[dict[str, Any]]:
    """Each request that only reads, and its answer."""
    from gradclinic.api import create_app

    found = []
    with TestClient(create_app(Settings(data_dir=folder, broker_url=NOBODY)), base_url="http://localhost") as api:
        for method, path, body in _requests(api):
            answer = api.request(method, path, json=body)
            request = {"method": method, "path": path, "body": body}
            found.append({**request, "status": answer.status_code, "answer": answer.json()})
        catalogue = api.get("/v1/catalogue").json()
        kinds = {part: [item["kind"] for item in items] for part, items in catalogue.items()}
        found.append({"path": "/v1/catalogue", "kinds": kinds})
    return found


def _requests(api: TestClient) -> Iterator[tuple[str, str, Any]]:
    def listed(path: str) -> list[dict[str, Any]]:
        return api.get(path, params={"limit": 200}).json()["items"]

    lists = ("runs", "studies", "prescriptions", "baselines", "checks", "schedules", "datasets")
    for noun in lists:
        yield "GET", f"/v1/{noun}?limit=200", None
    yield "GET", "/v1/claims", None
    for run in listed("/v1/runs"):
        at = f"/v1/runs/{run['id']}"
        yield "GET", at, None
        yield "GET", f"{at}/diagnosis", None
        if {"prescription", "check"} & run["labels"].keys():
            continue
        yield "POST", f"{at}/diagnoses", {"thresholds": {"depth_slope": 2.0}}
        yield "GET", f"{at}/profile", None
        yield "GET", f"{at}/profile?statistic=weight_grad_norm_l2&step=last", None
        yield "GET", f"{at}/curves?max_points=15&aggregate=mean", None
        yield "GET", f"{at}/statistics?max_points=6&aggregate=minmax", None
        if run["origin"] == "external":
            yield "GET", f"/v1/recordings/{run['id']}", None
    for study in listed("/v1/studies"):
        yield "GET", f"/v1/studies/{study['id']}", None
        yield "GET", f"/v1/studies/{study['id']}/comparison", None
        yield "GET", f"/v1/studies/{study['id']}/comparison?metric=final_validation_accuracy&confidence=0.8", None
        yield "GET", f"/v1/claims/xavier_helps/ruling?study={study['id']}", None
    for noun, key in (("prescriptions", "id"), ("baselines", "name"), ("checks", "id"), ("schedules", "name")):
        for item in listed(f"/v1/{noun}"):
            yield "GET", f"/v1/{noun}/{item[key]}", None
    for dataset in listed("/v1/datasets"):
        yield "GET", f"/v1/datasets/{dataset['id']}", None
    singles = [run["id"] for run in listed("/v1/runs") if run["name"] in ("healthy", "exploding", "own")]
    yield "POST", "/v1/comparisons", {"runs": singles, "baseline": singles[0]}


if __name__ == "__main__":
    main()
