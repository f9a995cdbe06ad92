"""A client that openapi-python-client makes from the API's own description."""

import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from . import examples
from .described import DOCUMENT, OPERATIONS

CONFIG = """
content_type_overrides:  # it knows bytes by one name
  application/x-npz: application/octet-stream
  application/vnd.apache.parquet: application/octet-stream
  text/csv: application/octet-stream
post_hooks: []
"""
IDS = {name: operation["operationId"] for name, operation in OPERATIONS.items()}
PACKAGE = "gradclinic_generated"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The package's name, importable; what the generator said about it is nothing."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_text(json.dumps(DOCUMENT))
    (folder / "config.yaml").write_text(CONFIG)
    arguments = ["--path", "openapi.json", "--config", "config.yaml", "--output-path", PACKAGE, "--meta", "none"]
    done = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", "generate", *arguments, "--fail-on-warning"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in (done.stdout + done.stderr).lower(), done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    yield PACKAGE
    sys.path.remove(str(folder))


def snake(operation: str) -> str:
    return re.sub(r"(?=[A-Z])", "_", operation).lower()


def modules(package: str) -> dict[str, ModuleType]:
    """The module of each operation, by the operation's name."""
    folder = Path(str(importlib.import_module(package).__file__)).parent
    return {
        path.stem: importlib.import_module(f"{package}.api.{path.parent.name}.{path.stem}")
        for path in (folder / "api").glob("*/*.py")
        if path.stem != "__init__"
    }


def test_every_operation_has_a_name_of_its_own_that_begins_with_what_it_does() -> None:
    assert len(set(IDS.values())) == len(IDS)
    verbs = {snake(each).split("_")[0] for each in IDS.values()}
    assert verbs <= {
        "append", "cancel", "compare", "create", "delete", "draw", "edit", "finish", "get",
        "judge", "list", "pause", "pin", "redeliver", "resolve", "resume", "rotate", "rule", "test",
    }  # fmt: skip
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", each) for each in IDS.values())


def test_every_operation_has_a_function(generated: str) -> None:
    found = modules(generated)
    assert set(found) == {snake(each) for each in IDS.values()}
    assert all(callable(module.sync_detailed) for module in found.values())


def test_it_queues_a_run_and_finds_it(generated: str, api: httpx.Client) -> None:
    found, models = modules(generated), importlib.import_module(f"{generated}.models")
    client: Any = importlib.import_module(generated).Client(base_url=str(api.base_url))
    body = models.RunRequest.from_dict({"experiment": examples.EXPERIMENT, "name": "from a generated client"})
    with client:
        made = found["create_run"].sync(client=client, body=body)
        listed = found["list_runs"].sync(client=client)
        shown = found["get_run"].sync(made.id, client=client)
    assert made.name == "from a generated client"
    assert [run.id for run in listed.items] == [made.id]
    assert shown.resolved_experiment.to_dict()["model"]["depth"] == 8


def test_it_reads_the_catalogue_and_what_is_wrong_with_a_request(generated: str, api: httpx.Client) -> None:
    found = modules(generated)
    client: Any = importlib.import_module(generated).Client(base_url=str(api.base_url))
    with client:
        catalogue = found["get_catalogue"].sync(client=client)
        missing = found["get_run"].sync("run_0", client=client)
    assert "add_batch_norm" in {entry.kind for entry in catalogue.remedies}
    assert missing.code == "not_found"
