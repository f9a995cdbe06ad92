"""The examples of `docs/tools.md`: a test for pytest, jobs for GitHub and GitLab, trackers, and assistants."""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import nn

from gradclinic import Clinic, remedies
from gradclinic_torch import Recording

from .conftest import SCRIPTS
from .examples import ROOT, examples

PAGE = "tools.md"
EXPERIMENT = {
    "model": {
        "kind": "mlp", "depth": 3, "width": 16, "activation": "relu", "initialization": {"scheme": "kaiming_normal"},
    },
    "data": {"kind": "digits"},
    "optimizer": {"kind": "sgd", "learning_rate": 0.1},
    "training": {"steps": 60},
}  # fmt: skip
GITHUB, GITLAB = (yaml.safe_load(text) for _, text in examples(PAGE, "yaml"))
(ASSISTANT,) = (json.loads(text) for _, text in examples(PAGE, "json"))
TESTED, LOGGED = (text for _, text in examples(PAGE, "python"))
ENDS = {0: "pass", 1: "fail", 2: "wrong usage", 3: "inconclusive", 4: "could not be done"}


@pytest.fixture(scope="module")
def pinned(service: str) -> str:
    """The service with a baseline `main`; returns the id of its study."""
    with Clinic(service) as clinic:
        study = clinic.study(EXPERIMENT, arms={"norm": [remedies.AddBatchNorm()]}, seeds=[0, 1]).wait(timeout_s=300)
        clinic.pin("main", study=study, arm="baseline")
        return study.id


def environment(tmp_path: Path, *, path: Path = SCRIPTS, **values: str) -> dict[str, str]:
    """The environment of a job, in which `pip` installs nothing."""
    (tmp_path / "bin").mkdir(exist_ok=True)
    pip = tmp_path / "bin" / "pip"
    pip.write_text("#!/bin/sh\n")
    pip.chmod(0o755)
    return {**os.environ, "PATH": f"{tmp_path / 'bin'}:{path}:{os.environ['PATH']}", **values}


def script(job: dict[str, Any]) -> str:
    """The commands of a GitHub job."""
    return "\n".join(step["run"] for step in job["steps"] if "run" in step)


@pytest.mark.parametrize("status", ENDS)
def test_a_job_breaks_the_build_unless_the_check_passes_or_is_inconclusive(tmp_path: Path, status: int) -> None:
    """With a command in place of the real one, which ends as a check can."""
    path = tmp_path / "fake"
    path.mkdir()
    (path / "gradclinic").write_text(f"#!/bin/sh\necho {ENDS[status]}; exit {status}\n")
    (path / "gradclinic").chmod(0o755)
    summary = tmp_path / "summary.md"
    with_summary = environment(tmp_path, path=path, GITHUB_STEP_SUMMARY=str(summary))
    # As GitHub starts `shell: bash`.
    github = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script(GITHUB["jobs"]["regression"])],
        check=False,
        env=with_summary,
    )
    assert github.returncode == (0 if status == 3 else status)
    assert summary.read_text() == f"{ENDS[status]}\n"
    job = GITLAB["training regression"]
    gitlab = subprocess.run(["bash", "-eo", "pipefail", "-c", "\n".join(job["script"])], check=False, env=with_summary)
    assert gitlab.returncode == status
    assert job["allow_failure"]["exit_codes"] == [3]


@pytest.mark.slow
def test_a_job_checks_an_experiment_and_leaves_the_file_that_it_uploads(
    service: str, pinned: str, tmp_path: Path
) -> None:
    assert pinned
    (tmp_path / "experiment.yaml").write_text(yaml.safe_dump({"experiment": EXPERIMENT}))
    job = GITHUB["jobs"]["regression"]
    summary = tmp_path / "summary.md"
    given = environment(tmp_path, GRADCLINIC_URL=service, GITHUB_STEP_SUMMARY=str(summary))
    ran = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script(job)],
        capture_output=True, text=True, check=False, cwd=tmp_path, env=given,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "main" in summary.read_text()
    (upload,) = [step["with"] for step in job["steps"] if "upload-artifact" in step.get("uses", "")]
    assert "<testsuite" in (tmp_path / upload["path"]).read_text()
    assert GITLAB["training regression"]["artifacts"]["reports"]["junit"] == upload["path"]


@pytest.mark.slow
def test_the_example_of_a_marked_test_runs(service: str, pinned: str, tmp_path: Path) -> None:
    assert pinned
    (tmp_path / "test_training.py").write_text(TESTED)
    (tmp_path / "experiment.json").write_text(json.dumps(EXPERIMENT))
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-rs", "test_training.py"],
        capture_output=True, text=True, check=False, cwd=tmp_path, env=environment(tmp_path, GRADCLINIC_URL=service),
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    # Two seeds cannot show that nothing is worse; the test is then skipped, and says so.
    assert "1 passed" in ran.stdout or "inconclusive" in ran.stdout.lower(), ran.stdout


@pytest.mark.slow
@pytest.mark.parametrize("tracker", ["mlflow", "wandb"])
def test_the_example_of_a_tracker_runs(service: str, pinned: str, tmp_path: Path, tracker: str) -> None:
    pytest.importorskip(tracker, reason=f"needs the extra {tracker}")
    with Clinic(service) as clinic:
        run = next(clinic.get_study(pinned).runs()).id
    program = LOGGED.replace("run_01K...", run).replace("study_01K...", pinned).replace(".mlflow", f".{tracker}")
    given = environment(
        tmp_path,
        GRADCLINIC_URL=service,
        MLFLOW_ALLOW_FILE_STORE="true",
        MLFLOW_TRACKING_URI=(tmp_path / "runs").as_uri(),
        WANDB_MODE="offline",
        WANDB_DIR=str(tmp_path),
        PYTHONPATH=os.pathsep.join(sys.path),
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env=given)
    assert ran.returncode == 0, ran.stderr


def assistant(url: str) -> Any:
    """An assistant's client of the server that the page describes, on its standard input and output."""
    mcp = pytest.importorskip("mcp", reason="needs the extra mcp")
    (server,) = ASSISTANT["mcpServers"].values()
    arguments = [url if each.startswith("http://") else each for each in server["args"]]
    program = {"command": str(SCRIPTS / server["command"]), "args": [*arguments, "--submit"]}
    return mcp.Client(mcp.StdioServerParameters(**program, env={"PYTHONPATH": ":".join(sys.path)}))


def recorded(url: str) -> str:
    """The id of a run of a program of its own, whose gradients vanish."""
    torch.manual_seed(0)
    layers = [layer for _ in range(8) for layer in (nn.Linear(20, 20), nn.Sigmoid())]
    model, criterion = nn.Sequential(*layers, nn.Linear(20, 5)), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Recording(model, optimizer, criterion, to=url) as recording:
        for _ in range(30):
            optimizer.zero_grad()
            loss = criterion(model(torch.randn(64, 20)), torch.randint(5, (64,)))
            loss.backward()
            recording.after_backward(loss)
            optimizer.step()
    return str(recording.run_id)


@pytest.mark.slow
def test_an_assistant_gets_from_a_recorded_run_to_a_confirmed_cure_in_five_calls(service: str) -> None:
    run = recorded(service)
    model = {"kind": "mlp", "depth": 8, "width": 20, "activation": "sigmoid"}
    like_it = {**EXPERIMENT, "model": model, "training": {"steps": 100}}

    async def asked() -> list[str]:
        async with assistant(service) as client:

            async def call(tool: str, **arguments: Any) -> str:
                return "".join(part.text for part in (await client.call_tool(tool, arguments)).content)

            listed = await call("list_runs", source="recording")
            shown = await call("show_run", run_id=run)
            described = await call("show_catalogue", section="models", entry="mlp")
            submitted = await call("submit_prescription", experiment=like_it, runs=20)
            search = submitted.split(" ", 1)[0]
            return [listed, shown, described, await call("show_prescription", prescription_id=search, wait_s=280)]

    listed, shown, described, found = asyncio.run(asked())
    assert run in listed
    assert "vanishing gradients" in shown
    assert "depth" in described
    assert found.splitlines()[0].endswith(": cured")
    assert "Random control: 0 of 3" in found


@pytest.mark.slow
def test_an_assistant_finds_the_tools_that_are_described(service: str) -> None:
    async def listed() -> set[str]:
        async with assistant(service) as client:
            return {tool.name for tool in (await client.list_tools()).tools}

    assistants = (ROOT / "docs" / PAGE).read_text().split("## Assistants")[1].partition("\n## ")[0]
    described = {
        name for row in re.findall(r"^\| (`.*?) \|", assistants, re.MULTILINE) for name in re.findall("`(.+?)`", row)
    }
    assert asyncio.run(listed()) == described
