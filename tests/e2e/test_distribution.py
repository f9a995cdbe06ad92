"""What is uploaded for people to install: an archive of the sources, a wheel made of it, and what the base brings."""

import os
import subprocess
import sys
import tarfile
import venv
from importlib.metadata import distribution
from pathlib import Path

import pytest

from gradclinic.settings import Settings

from ..recorder.test_light_install import PROGRAM, closure
from ..service.api.serving import NOBODY, serving

ROOT = Path(__file__).resolve().parents[2]
SENT = """
import torch
from torch import nn
from importlib.util import find_spec
from gradclinic import Clinic
from gradclinic_torch import Recording

found = [name for name in ("fastapi", "sqlalchemy", "celery", "psycopg", "scipy", "redis") if find_spec(name)]
assert not found, found
torch.manual_seed(0)
model = nn.Sequential(*[layer for _ in range(8) for layer in (nn.Linear(20, 20), nn.Sigmoid())])
criterion = nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
with Recording(model, optimizer, criterion, to=URL, name="base") as recording:
    for _ in range(100):
        inputs = torch.randn(64, 20)
        optimizer.zero_grad()
        loss = criterion(model(inputs), inputs.sigmoid())
        loss.backward()
        recording.after_backward(loss)
        optimizer.step()
print(recording.diagnosis().primary)
print(Clinic(URL).get_run(recording.run_id).answer.name)
"""


def run(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME"}}
    finished = subprocess.run(
        [str(each) for each in command], capture_output=True, text=True, check=False, cwd=cwd, env=clean
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished


def linked(name: str, folder: Path) -> None:
    """Put an installed distribution into another environment, as links."""
    installed = distribution(name)
    tops = {file.parts[0] for file in installed.files or [] if file.parts[0] not in {"..", "__pycache__"}}
    for top in tops:
        target = folder / top
        if not target.exists():
            target.symlink_to(Path(str(installed.locate_file(top))).resolve())


def wheel_of(folder: Path) -> Path:
    """A wheel, built of the unpacked archive of the sources."""
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder, cwd=ROOT)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    unpacked = folder / archive.name.removesuffix(".tar.gz")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=unpacked)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a fresh environment with the wheel, what the wheel requires, and torch."""
    folder = tmp_path_factory.mktemp("distribution")
    wheel = wheel_of(folder)
    environment = folder / "environment"
    venv.create(environment, symlinks=True)
    python = environment / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel)
    (site,) = environment.glob("lib/python*/site-packages")
    (metadata,) = site.glob("gradclinic-*.dist-info/METADATA")
    required = [
        line.partition(":")[2] for line in metadata.read_text().splitlines() if line.startswith("Requires-Dist:")
    ]
    for name in closure([*(each for each in required if "extra ==" not in each), "torch"]):
        linked(name, site)
    return python


@pytest.mark.slow
def test_the_base_has_everything_that_it_requires(base: Path) -> None:
    assert "No broken requirements found" in run(sys.executable, "-m", "pip", "--python", base, "check").stdout


@pytest.mark.slow
def test_the_base_says_which_pythons_it_runs_on(base: Path) -> None:
    program = "from importlib.metadata import metadata; print(metadata('gradclinic')['Requires-Python'])"
    assert run(base, "-c", program).stdout.strip() == ">=3.10"


@pytest.mark.slow
def test_the_base_records_and_diagnoses(base: Path) -> None:
    conditions, refusal = run(base, "-c", PROGRAM).stdout.splitlines()
    assert conditions == "['vanishing_gradients', 'healthy']"
    assert "pip install 'gradclinic[embedded,worker]'" in refusal


@pytest.mark.slow
def test_the_base_sends_to_a_service_and_reads_from_it(base: Path, sqlite_url: str, tmp_path: Path) -> None:
    with serving(Settings(data_dir=tmp_path, database_url=sqlite_url, broker_url=NOBODY)) as api:
        said = run(base, "-c", f"URL = {str(api.base_url)!r}\n{SENT}").stdout.splitlines()
    assert said == ["vanishing_gradients", "base"]


@pytest.mark.slow
def test_the_command_line_of_the_base_reads_a_service_and_says_how_to_install_one(base: Path) -> None:
    command = base.parent / "gradclinic"
    assert "Usage" in run(command, "--help").stdout
    refused = subprocess.run([command, "serve"], capture_output=True, text=True, check=False)
    assert refused.returncode == 4
    assert "pip install 'gradclinic[embedded,worker]'" in refused.stderr
