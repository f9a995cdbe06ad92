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


def test_every_example_is_one_file_and_its_test():
    paths = [path for path, _ in EXAMPLES]
    assert len(ENTRIES) == 3
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
    # its own tests, one of the registry's two for each, and conformance: a remedy on each preset, a layer's shapes
    passed = int(re.search(r"(\d+) passed", finished.stdout)[1])
    assert passed >= 6 + 2 * 3 + 5 + 1
    where = subprocess.run(
        [
            sys.executable,
            "-c",
            "from gradclinic.experiments import datasets as d; print(d.__file__, 'checkerboard' in d.DATASETS)",
        ],
        capture_output=True, text=True, check=True, cwd=tmp_path, env=environment,
    )  # fmt: skip
    assert where.stdout.split() == [str(tmp_path / "service/gradclinic/experiments/datasets/__init__.py"), "True"]
    for path, _ in EXAMPLES:
        checked = subprocess.run(
            [str(Path(sys.executable).parent / "ruff"), "check", "--no-cache", path],
            capture_output=True, text=True, check=False, cwd=tmp_path,
        )  # fmt: skip
        assert checked.returncode == 0, checked.stdout
