"""The Helm chart, as far as it can be known right without a cluster; with `helm` on the PATH, it is also rendered."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from gradclinic.cli.commands import app
from gradclinic.queue.messages import QUEUES
from gradclinic.settings import Settings
from gradclinic.store import tables as t

EVERYTHING = {
    "ingress": {"enabled": True, "className": "nginx"},
    "autoscaling": {"enabled": True},
    "workers": {"gpu": {"enabled": True}},
    "checkpoints": {"existingClaim": "shared"},
    "api": {"forwardedAllowIps": "10.0.0.1", "allowedHosts": ["api.example.org"], "openidSecret": "openid"},
    "images": {"pullSecrets": [{"name": "registry"}]},
    "podAnnotations": {"a": "b"},
}
"""Values that turn everything on."""


@pytest.fixture(scope="module")
def chart(checkout: Path) -> Path:
    return checkout / "deploy" / "chart"


@pytest.fixture(scope="module")
def values(chart: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((chart / "values.yaml").read_text()))


def templates(chart: Path) -> str:
    return "\n".join(path.read_text() for path in sorted((chart / "templates").iterdir()))


def leaves(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}")
    else:
        yield path


def used(chart: Path) -> set[str]:
    """The values that the templates name; those of a worker by a variable of their loop."""
    text = templates(chart)
    of_worker = {f".workers.{queue}.{name}" for name in re.findall(r"\$worker\.(\w+)", text) for queue in QUEUES}
    return {f".{path}" for path in re.findall(r"\.Values\.([\w.]+)", text)} | of_worker


def test_templates_use_only_values_that_exist_and_all_of_them(chart: Path, values: dict[str, Any]):
    named = used(chart)
    known = set(leaves(values))
    missing = {path for path in named if not any(f"{leaf}.".startswith(f"{path}.") for leaf in known)}
    unused = {leaf for leaf in known if not any(f"{leaf}.".startswith(f"{path}.") for path in named - {".workers"})}
    assert (missing, unused) == (set(), set())


def test_every_variable_is_a_setting(chart: Path, values: dict[str, Any]):
    known = {f"GRADCLINIC_{name.upper()}" for name in Settings.model_fields}
    named = set(re.findall(r"GRADCLINIC_[A-Z_]+", templates(chart))) | set(values["settings"])
    assert named <= known
    Settings(**{name.removeprefix("GRADCLINIC_").lower(): value for name, value in values["settings"].items()})


def test_every_command_exists(chart: Path):
    commands = [yaml.safe_load(each) for each in re.findall(r"command: (\[.*\])", templates(chart))]
    assert len(commands) == 4
    for program, *arguments in commands:
        assert program == "gradclinic"
        assert CliRunner().invoke(app, [*arguments, "--help"]).exit_code == 0


def test_workers_are_counted_by_columns_that_exist(chart: Path):
    (query,) = re.findall(r"query: >-\s+(SELECT.*?)\n\s+target", templates(chart), re.DOTALL)
    columns = re.findall(r"(\w+) (?:=|IN)", query)
    assert columns == ["status", "origin", "queue"]
    assert all(name in t.runs.c for name in columns)


@pytest.mark.skipif(shutil.which("helm") is None, reason="helm is not installed")
@pytest.mark.parametrize("changes", [{}, EVERYTHING], ids=["as it is", "with everything"])
def test_helm_finds_nothing_and_renders_it(chart: Path, changes: dict[str, Any], tmp_path: Path):
    given = tmp_path / "values.yaml"
    given.write_text(yaml.safe_dump(changes))
    subprocess.run(["helm", "lint", "--strict", str(chart), "-f", str(given)], check=True)
    text = subprocess.run(
        ["helm", "template", "clinic", str(chart), "-f", str(given)], check=True, capture_output=True, text=True
    ).stdout
    kinds = [document["kind"] for document in yaml.safe_load_all(text) if document]
    assert kinds.count("Deployment") == (4 if changes else 3)
    assert ("ScaledObject" in kinds) is bool(changes)
