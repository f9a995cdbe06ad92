"""What a request over the quota of its project is answered."""

from pathlib import Path

import httpx
import pytest

from gradclinic import Clinic
from gradclinic.experiments.experiment import Experiment
from gradclinic.kernel.errors import QuotaExceeded
from gradclinic.measurements.estimate import estimate
from gradclinic.settings import Settings

from . import examples
from .keyed import keyed
from .serving import NOBODY, serving


def limited(sqlite_url: str, folder: Path, **quota: int) -> Settings:
    return Settings(data_dir=folder, database_url=sqlite_url, broker_url=NOBODY, **quota)


def refused(answer: httpx.Response) -> str:
    assert answer.status_code == 403
    assert answer.json()["code"] == "quota_exceeded"
    (entry,) = answer.json()["errors"]
    return f"{answer.json()['detail']}, {entry['value']}, {entry['allowed']}"


def test_a_project_that_has_used_up_its_quota_is_told_its_limit_and_the_others_go_on(
    sqlite_url: str, tmp_path: Path
) -> None:
    with keyed(limited(sqlite_url, tmp_path, quota_runs=2)) as service:
        vision, audio = service.header_of("vision"), service.header_of("audio")

        def submit(header: dict[str, str], path: str = "/v1/runs", **changes: object) -> httpx.Response:
            return service.api.post(path, json={"experiment": examples.EXPERIMENT, **changes}, headers=header)

        runs = [submit(vision).json()["id"] for _ in range(2)]
        assert refused(submit(vision)) == (
            "the project 'vision' would have 3 runs that have not ended, 3, "
            "at most 2 (GRADCLINIC_QUOTA_RUNS); wait, or cancel some"
        )
        refused(submit(vision, "/v1/studies", seeds=[0, 1]))
        refused(submit(vision, "/v1/prescriptions"))
        assert submit(audio).status_code == 202
        service.api.post(f"/v1/runs/{runs[0]}/cancel", headers=vision).raise_for_status()
        assert submit(vision).status_code == 202


def test_operations_are_counted_as_the_estimate_says(sqlite_url: str, tmp_path: Path) -> None:
    experiment = Experiment.model_validate(examples.EXPERIMENT)
    flops = estimate(experiment).flops_per_step * experiment.training.steps
    with serving(limited(sqlite_url, tmp_path, quota_flops=2 * flops)) as api:
        study = api.post("/v1/studies", json={"experiment": examples.EXPERIMENT, "arms": [], "seeds": [0, 1]})
        assert study.status_code == 202
        assert "GRADCLINIC_QUOTA_FLOPS" in refused(api.post("/v1/runs", json={"experiment": examples.EXPERIMENT}))


def test_the_client_raises_what_the_service_met(sqlite_url: str, tmp_path: Path) -> None:
    with (
        serving(limited(sqlite_url, tmp_path, quota_runs=1)) as api,
        Clinic(str(api.base_url)) as clinic,
    ):
        clinic.run(examples.EXPERIMENT)
        with pytest.raises(QuotaExceeded, match="at most 1 "):
            clinic.run(examples.EXPERIMENT)
