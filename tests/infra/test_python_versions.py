"""The oldest Python is one everywhere: what is uploaded names it, and the checks of names and syntax hold to it."""

from pathlib import Path

import tomllib

from gradclinic.kernel.installation import SERVICE_PYTHON

ROOT = Path(__file__).resolve().parents[2]
FILE = tomllib.loads((ROOT / "pyproject.toml").read_text())
OLDEST = "3.10"


def test_the_package_says_and_the_checks_hold_the_oldest_python():
    project, tool = FILE["project"], FILE["tool"]
    listed = [each.rpartition(" ")[2] for each in project["classifiers"] if ":: Python ::" in each]
    assert project["requires-python"] == f">={OLDEST}"
    assert listed[0] == OLDEST
    assert tool["ruff"]["target-version"] == f"py{OLDEST.replace('.', '')}"
    assert tool["mypy"]["python_version"] == OLDEST


def test_run_installs_the_service_with_no_older_python_than_it_needs():
    needed = ".".join(map(str, SERVICE_PYTHON))
    assert f"Python {needed} or newer is needed" in (ROOT / "run").read_text()
