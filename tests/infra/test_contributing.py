"""The worked examples of CONTRIBUTING.md are added to a copy of the project, and pass every test there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = re.findall(r"```python\n# (\S+)\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
ENTRIES = [Path(path).stem for path, _ in EXAMPLES if path.startswith("service/")]

WHERE_ENTRIES_SHOW = """
import json

from torch import nn

import gradclinic
from gradclinic.diagnosis.wording import as_read
from gradclinic.measurements.preflight import BOUNDS
from gradclinic.pages.filters import severity_class
from gradclinic.pages.run_list import CONDITIONS
from gradclinic.settings import Settings
from gradclinic.use_cases.catalogue import catalogue
from gradclinic.web import create_app
from gradclinic_torch.model.module_kinds import activation_of_module

listed = {entry.kind for section in catalogue().values() for entry in section}
names = ("add_momentum", "channel_dropout", "checkerboard", "kaiming_fan_out", "hardswish")
assert {*names, "stalled_learning_rate", "site_grad_kurtosis", "weight_grad_kurtosis"} <= listed

settings = Settings(database_url="postgresql://127.0.0.1:1/none", broker_url="redis://127.0.0.1:1/0")
document = create_app(settings).openapi()
schemas = json.dumps(document["components"]["schemas"])
assert all(f'"{name}"' in schemas for name in names)
readout = document["components"]["schemas"]["Normal"]["properties"]["readout"]
assert "kaiming_fan_out" in readout["enum"]
stop_when = document["components"]["schemas"]["StopWhen"]["properties"]["conditions"]
assert "stalled_learning_rate" in stop_when["items"]["enum"]
filters = document["paths"]["/v1/runs"]["get"]["parameters"]
(condition,) = [each for each in filters if each["name"] == "condition"]
assert "stalled_learning_rate" in condition["schema"]["anyOf"][0]["enum"]

assert "stalled_learning_rate" in CONDITIONS
assert severity_class("stalled_learning_rate") == "severity-critical"
assert as_read("late_rate", 0.0, 0.01).label == "learning rate in the second half / its maximum"
assert activation_of_module(nn.Hardswish()).name == "hardswish"
assert BOUNDS["hardswish"][0] == -0.375
print(gradclinic.__file__)
"""
"""A program that looks for the examples wherever a person or another program meets the entries of a registry."""


def test_every_example_is_one_file_and_its_test():
    paths = [path for path, _ in EXAMPLES]
    assert len(ENTRIES) == 7
    for entry in ENTRIES:
        assert [Path(path).name for path in paths if entry in path] == [f"{entry}.py", f"test_{entry}.py"]
    assert not any((ROOT / path).exists() for path in paths)


@pytest.mark.slow
def test_the_examples_pass_their_own_tests_and_those_for_every_entry(tmp_path: Path):
    for folder in ("service", "workers", "tests/service", "tests/workers"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "tests/__init__.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    for path, code in EXAMPLES:
        (tmp_path / path).write_text(code)
    own = [path for path, _ in EXAMPLES if path.startswith("tests/")]
    shared = ["tests/service/kernel/test_registry.py", "tests/workers/train/test_conformance.py"]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path / 'service'}:{tmp_path / 'workers'}:{tmp_path}"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    finished = subprocess.run(
        [*command, *own, *shared, "-k", " or ".join(ENTRIES)],
        capture_output=True, text=True, check=False, cwd=tmp_path, env=environment,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout
    # own tests, the registry's two for each (one for a statistic), and conformance: a remedy on each preset, a layer's
    # shapes, a slope, an initialization of four presets, two statistics
    passed = int(re.search(r"(\d+) passed", finished.stdout)[1])
    assert passed >= 19 + 2 * 6 + 1 + 5 + 1 + 1 + 4 + 2
    shown = subprocess.run(
        [sys.executable, "-c", WHERE_ENTRIES_SHOW],
        capture_output=True, text=True, check=False, cwd=tmp_path, env=environment,
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.strip() == str(tmp_path / "service/gradclinic/__init__.py")
    for path, _ in EXAMPLES:
        checked = subprocess.run(
            [str(Path(sys.executable).parent / "ruff"), "check", "--no-cache", path],
            capture_output=True, text=True, check=False, cwd=tmp_path,
        )  # fmt: skip
        assert checked.returncode == 0, checked.stdout
