"""The borders of the house: what may import what, and what a newcomer may rely on in every file."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ServicesApart

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "sklearn", "scipy", "sqlalchemy", "fastapi", "celery", "matplotlib", "plotly", "redis", "psycopg")
PACKAGE = ROOT / "service" / "gradclinic"
MOST_ENTRIES = 25
MOST_UNTYPED = 76
LAYERS = (
    "api", "schemas", "schemas/requests", "use_cases", "store", "store/tables", "store/records", "pages", "cli",
    "client", "text",
)  # fmt: skip
ENTRIES = {
    "activations", "claims", "clipping", "datasets", "initializations", "layers", "optimizers", "presets",
    "remedies", "rules", "lr_schedules", "losses", "output_activations",
}  # fmt: skip
SOURCES = sorted(
    path
    for folder in ("service", "workers", "migrations", "benchmarks", "tests")
    for path in (ROOT / folder).rglob("*.py")
)
PUBLIC_MODULES = [
    path
    for path in SOURCES
    if path.is_relative_to(ROOT / "service") or path.is_relative_to(ROOT / "workers")
    if not any(part.startswith("_") and part != "__init__.py" for part in path.parts[-2:])
]


def modules_after(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter has imported after one statement."""
    finished = subprocess.run(
        [sys.executable, "-c", f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    return {name.partition(".")[0] for name in json.loads(finished.stdout.splitlines()[-1])}


def test_importing_the_package_imports_nothing_heavy():
    assert not modules_after("import gradclinic") & set(HEAVY)


def test_importing_the_api_never_imports_torch():
    imported = modules_after("import gradclinic.web")
    assert "fastapi" in imported
    assert not imported & {"torch", "sklearn", "gradclinic_workers"}


def test_the_command_line_is_there_without_numpy_or_the_catalogue():
    assert not modules_after("import gradclinic.cli.main") & {"numpy", *HEAVY}
    rooms = "{'gradclinic.experiments', 'gradclinic.remedies', 'gradclinic.diagnosis'}"
    assert modules_after(f"import sys, gradclinic.cli.main\nassert not {rooms} & sys.modules.keys()")


def test_every_package_imports_only_lower_layers():
    """import-linter's contracts (pyproject.toml), so that a plain pytest notices, too."""
    finished = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout


@pytest.mark.parametrize(
    "package", [PACKAGE, *sorted((ROOT / "workers").glob("gradclinic_*"))], ids=lambda path: path.name
)
def test_a_newcomer_sees_a_package_at_a_glance(package: Path):
    entries = [path.name for path in package.iterdir() if path.stem.strip("_") not in {"init", "main", "pycache"}]
    assert len(entries) <= MOST_ENTRIES, sorted(entries)


def test_a_noun_has_one_name_in_every_layer():
    """The nouns are those of the API; a layer names its file of a noun as the API does."""
    nouns = {path.stem for path in (PACKAGE / "api").glob("[a-z]*.py")}
    other = {form: noun for noun in nouns for form in plural_forms(noun) - nouns}
    layers = [PACKAGE / layer for layer in LAYERS] + [ROOT / "tests" / "service" / layer for layer in LAYERS]
    files = [path for layer in layers for path in layer.glob("*.py")]
    assert [str(path.relative_to(ROOT)) for path in files if path.stem.removeprefix("test_") in other] == []


def plural_forms(noun: str) -> set[str]:
    """Names that a noun's file may not have."""
    singular = noun.removesuffix("is").removesuffix("y")
    return {f"{noun}s", f"{noun}es", f"{singular}es", f"{singular}ies", f"{noun}_views", f"{noun}_requests"}


def test_untyped_json_only_gets_rarer():
    """Where JSON is parsed or kept as it was sent; the number may fall, and is then to be lowered here."""
    pattern = re.compile(r"(?:dict|Mapping|list)\[(?:str, )?Any\]")
    folders = (ROOT / "service", ROOT / "workers")
    found = sum(len(pattern.findall(path.read_text())) for folder in folders for path in folder.rglob("*.py"))
    assert found <= MOST_UNTYPED


@pytest.mark.parametrize("path", PUBLIC_MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_what_it_is(path):
    """In its first line; a file that is one entry of a catalogue is described by the entry's own words."""
    tree = ast.parse(path.read_text())
    has_code = any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in tree.body)
    if has_code and path.parent.name not in ENTRIES:
        assert ast.get_docstring(tree)


def test_no_file_names_a_path_of_somebodys_machine():
    pattern = re.compile(r"/(?:home|Users)/\w|/work/|/root/|[A-Z]:\\\\Users")
    texts = [*SOURCES, *ROOT.glob("*.*"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("docker/*"), ROOT / "run"]
    guilty = [
        str(path.relative_to(ROOT))
        for path in texts
        if path.is_file() and path not in {Path(__file__), ROOT / ".git"}  # a file in a worktree
        if pattern.search(path.read_text(errors="replace"))
    ]
    assert guilty == []


def test_nothing_is_left_to_be_done_later():
    pattern = re.compile(r"\b(TODO|FIXME|NotImplementedError)\b")
    guilty = [str(path) for path in SOURCES if path != Path(__file__) and pattern.search(path.read_text())]
    assert guilty == []


def test_only_one_test_at_a_time_starts_a_whole_service():
    split = ServicesApart._split_scope
    sharing = object.__new__(ServicesApart)  # a real one needs running processes
    assert split(sharing, "tests/chaos/test_chaos.py::test_a") == split(sharing, "tests/e2e/test_demo.py::test_b")
    assert split(sharing, "tests/service/api/test_run.py::test_c") == "tests/service/api/test_run.py"
