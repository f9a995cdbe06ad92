"""A clinic inside a program: `Clinic.local()`, however the program ends."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from gradclinic import Clinic
from gradclinic.client import local
from gradclinic.kernel import errors

from ..processes import processes_of
from ..waiting import eventually

README = Path(__file__).parents[2] / "README.md"
EXPERIMENT = {
    "model": {"kind": "mlp", "depth": 3, "width": 8, "activation": "tanh"},
    "data": {"kind": "moons"},
    "optimizer": {"kind": "sgd", "learning_rate": 0.1},
    "training": {"steps": 50, "batch_size": 16},
}
LONG = EXPERIMENT | {"training": {"steps": 500_000, "batch_size": 16}, "recording": {"every": 1000, "full_every": 1000}}
PROGRAM = f"""
import os, sys
from gradclinic import Clinic
clinic = Clinic.local(workers=1)
print(clinic.url, flush=True)
run = clinic.run({LONG!r})
while run.refresh().status == "queued":
    pass
print("trains", flush=True)
"""


@pytest.fixture
def temporary(tmp_path: Path) -> Iterator[Path]:
    """Where programs of a test have their temporary folders; nothing of theirs is left alive."""
    yield tmp_path
    eventually(lambda: not any(processes_of(folder) for folder in folders(tmp_path)))


def folders(temporary: Path) -> list[Path]:
    return sorted(temporary.glob(f"{local.PREFIX}*"))


def started(program: str, temporary: Path) -> subprocess.Popen[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GRADCLINIC_")}
    return subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment, "TMPDIR": str(temporary), "http_proxy": "http://127.0.0.1:1"},
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def all_of(folder: Path) -> list[psutil.Process]:
    return eventually(lambda: processes_of(folder))


@pytest.mark.parametrize(
    "ending",
    [
        "",
        *(pytest.param(each, marks=pytest.mark.slow) for each in ("sys.exit(3)", "raise RuntimeError")),
        pytest.param("del clinic, run\nprint('goes on', flush=True)\ninput()", marks=pytest.mark.slow),
    ],
)
def test_a_program_that_ends_leaves_no_process_and_no_folder(temporary: Path, ending: str) -> None:
    with started(PROGRAM + ending, temporary) as program:
        assert said(program).startswith("http://127.0.0.1:")
        (folder,) = folders(temporary)
        assert said(program) == "trains"
        if "goes on" in ending:
            assert said(program) == "goes on"
            assert processes_of(folder) == []
            program.kill()
        _, errors_said = program.communicate(timeout=60)
    assert program.returncode == {"": 0, "sys.exit(3)": 3, "raise RuntimeError": 1}.get(ending, -signal.SIGKILL)
    assert processes_of(folder) == []
    assert folders(temporary) == []
    assert ("Traceback" in errors_said) == ("RuntimeError" in ending)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_program_that_is_killed_leaves_no_process(temporary: Path, number: signal.Signals) -> None:
    with started(PROGRAM + "import time\ntime.sleep(600)", temporary) as program:
        said(program)
        assert said(program) == "trains"
        (folder,) = folders(temporary)
        assert len(all_of(folder)) >= 4
        program.send_signal(number)
        program.communicate(timeout=60)
    eventually(lambda: processes_of(folder) == [])
    assert (folders(temporary) == []) == (number == signal.SIGINT)


@pytest.mark.slow
def test_a_killed_programs_folder_is_removed_by_the_next_one_and_a_living_ones_is_not(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    orphan = temporary / f"{local.PREFIX}orphan"
    orphan.mkdir()
    (orphan / "lock").write_text("1\n")
    other = temporary / "own"
    other.mkdir()
    (other / "lock").write_text("1\n")
    with Clinic.local(workers=0) as first, Clinic.local(workers=0) as second:
        assert first.url != second.url
        assert len(folders(temporary)) == 2
        assert not orphan.exists()
        assert first.catalogue()
    assert folders(temporary) == []
    assert other.exists()


@pytest.mark.slow
def test_a_fork_of_the_program_ends_nothing(temporary: Path) -> None:
    fork = "if os.fork() == 0:\n    sys.exit(0)\nos.wait()\nprint(run.refresh().status, flush=True)\n"
    with started(PROGRAM + fork, temporary) as program:
        said(program)
        assert said(program) == "trains"
        assert said(program) == "running"
        program.communicate(timeout=60)
    assert folders(temporary) == []


@pytest.mark.slow
def test_what_is_stored_in_a_folder_of_ones_own_is_there_again(tmp_path: Path) -> None:
    with Clinic.local(tmp_path, workers=1) as clinic:
        run = clinic.run(EXPERIMENT).wait(timeout_s=120)
        with pytest.raises(errors.SetupFailed, match="another gradclinic"):
            Clinic.local(tmp_path)
    assert processes_of(tmp_path) == []
    with Clinic.local(str(tmp_path), workers=0) as clinic:
        assert clinic.get_run(run.id).metrics == run.metrics


def test_settings_of_a_server_do_not_lead_it_to_the_servers_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADCLINIC_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("GRADCLINIC_HOST", "0.0.0.0")
    with Clinic.local(tmp_path, workers=0) as clinic:
        assert clinic.url.startswith("http://127.0.0.1:")
        assert list(clinic.runs()) == []


@pytest.mark.slow
def test_the_program_in_the_readme_runs_as_it_stands(temporary: Path) -> None:
    programs = re.findall(r"^```python\n(.*?)^```", README.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    (program,) = [each for each in programs if "Clinic.local()" in each]
    with started(f"import os\nos.chdir({str(temporary)!r})\n{program}", temporary) as running:
        told, errors_said = running.communicate(timeout=280)
    assert running.returncode == 0, errors_said
    assert errors_said == ""
    assert re.search(r"1  batch norm +cures +healthy 5/5", told)
    assert "vanishing 5/5" in told
    assert "<svg" in (temporary / "study.html").read_text("utf-8")
    assert folders(temporary) == []
