"""The examples of the README and of docs/recordings.md run as they stand, and their lists are complete."""

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import torch
from torch import nn

from gradclinic.diagnosis.finding import Blame
from gradclinic.diagnosis.rules import RULES
from gradclinic.settings import Settings

from ..service.api.serving import NOBODY, serving
from .loops import digits, mlp

ROOT = Path(__file__).resolve().parents[2]
DEFAULT = "http://127.0.0.1:8000"


def example(document: str) -> str:
    """The Python code that records."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
    (found,) = [block for block in blocks if "Recording(" in block]
    assert DEFAULT in found
    return found


def printed(document: str, names: dict[str, object], settings: Settings, capsys) -> str:
    with serving(settings) as api:
        exec(compile(example(document).replace(DEFAULT, str(api.base_url)), document, "exec"), names)
    return capsys.readouterr().out


def test_the_page_s_example_runs_as_it_stands(sqlite_url: str, tmp_path: Path, capsys) -> None:
    settings = Settings(data_dir=tmp_path, database_url=sqlite_url, broker_url=NOBODY)
    said = printed("docs/recordings.md", {}, settings, capsys)
    assert said.startswith("run_")
    assert "Gradients shrink" in said
    assert "the network learned" in said


def test_the_study_of_the_page_runs_as_it_stands(sqlite_url: str, tmp_path: Path, capsys) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/recordings.md").read_text(), re.DOTALL)
    (code,) = [block for block in blocks if " = study(" in block]
    settings = Settings(data_dir=tmp_path, database_url=sqlite_url, broker_url=NOBODY)
    with serving(settings) as api:
        exec(compile(code.replace(DEFAULT, str(api.base_url)), "docs/recordings.md", "exec"), {})
    assert re.search(r"rate x 300 .*(cures|improves)", capsys.readouterr().out)


def test_the_readme_s_example_runs_as_it_stands(sqlite_url: str, tmp_path: Path, capsys) -> None:
    settings = Settings(data_dir=tmp_path, database_url=sqlite_url, broker_url=NOBODY)
    model = mlp(depth=8)
    names = {
        "model": model,
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.1),
        "criterion": nn.CrossEntropyLoss(),
        "batches": digits(steps=60),
    }
    assert "Gradients shrink" in printed("README.md", names, settings, capsys)


def test_recording_needs_torch_and_nothing_of_the_service_s_workings() -> None:
    code = "import gradclinic_torch, json, sys; print(json.dumps(sorted(sys.modules)))"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    imported = {name.partition(".")[0] for name in finished.stdout.replace('"', "").strip("[]\n").split(", ")}
    assert "torch" in imported
    assert not imported & {"sqlalchemy", "celery", "redis", "fastapi", "sklearn", "psutil", "plotly"}
    assert not imported & {"transformers", "lightning", "accelerate"}


def test_the_page_lists_every_condition_and_everything_that_a_finding_may_blame() -> None:
    page = (ROOT / "docs/recordings.md").read_text()
    assert set(re.findall(r"^\| `(\w+)`(?: \*)? \|", page.partition("## Conditions")[2], re.MULTILINE)) == set(RULES)
    assert set(get_args(Blame)) <= set(re.findall(r"`(\w+)`", page))


def test_the_readme_lists_every_package_and_single_file_of_the_service() -> None:
    folder = ROOT / "service/gradclinic"
    packages = {f"{each.name}/" for each in folder.iterdir() if (each / "__init__.py").exists()}
    files = {each.name for each in folder.glob("*.py")} - {"__init__.py", "__main__.py"}
    assert packages | files <= set(re.findall(r"`(\w+(?:/|\.py))`", (ROOT / "README.md").read_text()))
