"""The base install is enough to record, to diagnose and to talk to a service: without the service's packages."""

import json
import subprocess
import sys
from importlib.metadata import metadata, packages_distributions
from pathlib import Path

import tomllib
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
BLOCK = """
import sys

class Without:
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in BLOCKED else self.finder.find_spec(name, path, target)

sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
"""
PROGRAM = """
import torch
from torch import nn
import gradclinic.client, gradclinic.diagnosis, gradclinic.cli.commands
from gradclinic import Clinic, Experiment, errors, remedies
from gradclinic_torch import watch

def diagnosed(activation, depth):
    torch.manual_seed(0)
    hidden = [layer for _ in range(depth) for layer in (nn.Linear(20, 20), activation())]
    model, criterion = nn.Sequential(*hidden, nn.Linear(20, 5)), nn.CrossEntropyLoss()
    inputs = torch.randn(2000, 20)
    targets = (inputs @ torch.randn(20, 5)).argmax(dim=1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    with watch(model, optimizer, criterion, probe=(inputs[:256], targets[:256])) as recording:
        for _ in range(150):
            chosen = torch.randint(2000, (64,))
            optimizer.zero_grad()
            criterion(model(inputs[chosen]), targets[chosen]).backward()
            optimizer.step()
    return recording.diagnosis().primary

print([diagnosed(nn.Sigmoid, 8), diagnosed(nn.GELU, 2)])
try:
    Clinic.local()
except errors.SetupFailed as error:
    print(error)
"""


def brought_by(extra: str) -> set[str]:
    """The distributions that an extra requires and the base does not, with what they require in turn."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    base, chosen = (
        closure(requirements) for requirements in (project["dependencies"], project["optional-dependencies"][extra])
    )
    return chosen - base - closure(["torch"])


def closure(requirements: list[str]) -> set[str]:
    """The names of what is required, with what that requires in turn."""
    found: set[str] = set()
    names = [Requirement(each).name for each in requirements]
    while names:
        name = canonicalize_name(names.pop())
        if name in found:
            continue
        found.add(name)
        needed = [Requirement(each) for each in metadata(name).get_all("Requires-Dist", [])]
        names += [each.name for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})]
    return found


def test_recording_diagnosing_and_the_client_need_nothing_of_the_service_and_no_numba() -> None:
    unwanted = brought_by("service")
    assert {"fastapi", "celery", "sqlalchemy", "psycopg", "scipy", "redis", "structlog"} <= unwanted
    modules = [
        module
        for module, names in packages_distributions().items()
        if {canonicalize_name(name) for name in names} <= unwanted
    ]
    program = f"BLOCKED = set({json.dumps([*modules, 'numba'])})\n{BLOCK}\n{PROGRAM}"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert finished.returncode == 0, finished.stderr
    conditions, refusal = finished.stdout.splitlines()
    assert conditions == "['vanishing_gradients', 'healthy']"
    assert "pip install 'gradclinic[embedded,worker]'" in refusal
