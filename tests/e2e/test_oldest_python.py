"""The base in an environment of the oldest Python that it names; skipped where the machine has none."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from .test_distribution import run, wheel_of

OLDEST = "3.10"
PROGRAM = """
import importlib, pkgutil
import gradclinic.cli.commands, gradclinic.client, gradclinic.text
from gradclinic import Experiment, errors
from gradclinic.client import Clinic

BASE = "kernel experiments measurements remedies theory diagnosis comparison prescription text"
for name in BASE.split():
    package = importlib.import_module(f"gradclinic.{name}")
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
try:
    Clinic.local()
except errors.SetupFailed as error:
    print(error)
"""
"""Imports all that the base holds but the recorder, which needs torch, and asks for the service."""


def interpreter() -> str | None:
    """The path of the oldest Python, also of one that pyenv has."""
    program = "import ensurepip, sys, venv; print(sys.executable)"
    environment = {**os.environ, "PYENV_VERSION": OLDEST}
    command = shutil.which(f"python{OLDEST}")
    if command is None:
        return None
    found = subprocess.run([command, "-c", program], capture_output=True, text=True, check=False, env=environment)
    return found.stdout.strip() or None


@pytest.fixture(scope="module")
def oldest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The oldest Python, in a fresh environment with the wheel and the newest releases of what it requires."""
    found = interpreter()
    if found is None:
        pytest.skip(f"there is no Python {OLDEST} that makes environments")
    folder = tmp_path_factory.mktemp("oldest")
    wheel = wheel_of(folder)
    run(found, "-m", "venv", folder / "environment")
    python = folder / "environment" / "bin" / "python"
    installed = subprocess.run(
        [python, "-m", "pip", "install", "-q", wheel], capture_output=True, text=True, check=False
    )
    if "connection broken" in installed.stderr:
        pytest.skip("no package index can be reached")
    assert installed.returncode == 0, installed.stderr
    return python


@pytest.mark.slow
def test_every_module_of_the_base_is_imported_and_the_service_says_which_python_it_needs(oldest: Path) -> None:
    (refusal,) = run(oldest, "-W", "error", "-c", PROGRAM).stdout.splitlines()
    assert f"it needs Python 3.11 or newer, and this is Python {OLDEST}" in refusal


@pytest.mark.slow
def test_the_command_line_writes_an_experiment(oldest: Path, tmp_path: Path) -> None:
    assert "Wrote experiment.yaml" in run(oldest.parent / "gradclinic", "init", "experiment", cwd=tmp_path).stdout
