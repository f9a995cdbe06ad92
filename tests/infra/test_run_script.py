"""`run` on machines that lack something: one clear line, a status that is not zero, nothing left behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

REAL_TOOLS = (
    "bash", "env", "nproc", "dirname", "cat", "cut", "sha256sum", "head", "tail", "grep", "mkdir", "rm", "cp", "sleep",
)  # fmt: skip


class Machine:
    """A copy of the checkout's outside, and a PATH that holds what this machine is to have."""

    def __init__(self, folder: Path, checkout: Path) -> None:
        self.home = folder / "a check out"
        self.bin = folder / "bin"
        self.home.mkdir()
        self.bin.mkdir()
        for name in ("run", "pyproject.toml", "constraints.txt"):
            shutil.copy2(checkout / name, self.home / name)
        for tool in REAL_TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool) or tool)

    def has(self, name: str, script: str) -> None:
        path = self.bin / name
        path.write_text(f"#!{shutil.which('bash')}\n{script}\n")
        path.chmod(0o755)

    def has_python(self, *, version: str = "3.11", missing: str = "", otherwise: str = "exit 1") -> None:
        """A python3 that answers what `run` asks of it, and does `otherwise` for anything else."""
        self.has("python3", f'case "$*" in *find_spec*) echo {version} {missing} ;; *) {otherwise} ;; esac')

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": str(self.bin), "HOME": str(self.home)}

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(self.home / "run"), *arguments], env=self.environment, capture_output=True, text=True, check=False
        )


@pytest.fixture
def machine(tmp_path: Path, checkout: Path) -> Machine:
    return Machine(tmp_path, checkout)


def only_line(finished: "subprocess.CompletedProcess[str]") -> str:
    lines = finished.stderr.strip().splitlines()
    assert len(lines) == 1, finished.stderr
    return lines[0]


@pytest.mark.parametrize("arguments", [(), ("help",), ("--help",)])
def test_help_names_every_command_and_needs_no_python(machine, arguments):
    finished = machine.run(*arguments)
    assert finished.returncode == 0
    for command in ("demo", "test", "check", "gradclinic", "benchmark", "setup", "GRADCLINIC_TORCH_INDEX"):
        assert command in finished.stdout


@pytest.mark.parametrize("arguments", [("dmeo",), ("setup", "--all")])
def test_an_unknown_command_is_a_usage_error(machine, arguments):
    finished = machine.run(*arguments)
    assert finished.returncode == 2
    assert "run: " in finished.stderr


def test_without_any_python_it_says_what_to_install(machine):
    finished = machine.run("setup")
    assert finished.returncode == 1
    assert "Python 3.11 or newer is needed" in only_line(finished)
    assert "apt-get install -y python3 python3-venv" in finished.stderr


def test_an_old_python_is_named(machine):
    machine.has_python(version="3.10")
    assert "this machine has 3.10" in only_line(machine.run("demo"))


def test_without_python3_venv_it_says_the_apt_line(machine):
    machine.has_python(missing="ensurepip")
    finished = machine.run("test")
    assert finished.returncode == 1
    assert "apt-get install -y python3.11-venv" in only_line(finished)
    assert not (machine.home / ".venv").exists()


def test_a_python_that_only_pretends_to_be_there_is_passed_over(machine):
    machine.has("python3", "exit 127")
    machine.has("python3.12", 'case "$*" in *find_spec*) echo "3.12" ;; *) echo chosen; exit 1 ;; esac')
    assert "setup failed while installing .venv" not in machine.run("setup").stdout
    assert (machine.home / ".venv/tmp/log").read_text() == "chosen\n"


def test_a_failed_step_ends_with_one_line_that_says_where_the_rest_is(machine):
    machine.has_python(otherwise='case "$*" in *venv*) echo "OSError: the moon is full"; exit 3 ;; esac')
    finished = machine.run("setup")
    assert finished.returncode == 1
    last = finished.stderr.strip().splitlines()[-1]
    assert "OSError: the moon is full" in last
    assert str(machine.home / ".venv/setup.log") in last


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("Failed to establish a new connection: NewConnectionError(...)", "the package index cannot be reached"),
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
    ],
)
def test_the_usual_misfortunes_have_words_of_their_own(machine, output, reason):
    machine.has_python(otherwise=f'case "$*" in *venv*) echo "{output}"; exit 1 ;; esac')
    assert reason in machine.run("setup").stderr.splitlines()[-1]


def test_a_read_only_checkout_is_refused_in_one_line(machine):
    machine.has_python(otherwise="exit 0")
    (machine.bin / "mkdir").unlink()
    machine.has("mkdir", 'echo "mkdir: cannot create directory: Read-only file system" >&2; exit 1')
    assert "cannot write to" in only_line(machine.run("setup"))


def finished_venv(machine: Machine, checkout: Path) -> Path:
    """A .venv as a finished setup leaves it, with a gradclinic that prints its arguments."""
    fingerprint = subprocess.run(
        [shutil.which("bash") or "bash", "-c", 'here=$1; { printf "%s\\n" "$1"; cat -- "$1/pyproject.toml" "$1/constraints.txt"; } | sha256sum | cut -d" " -f1', "_", str(machine.home)],  # noqa: E501
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    venv = machine.home / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin/python").symlink_to(sys.executable)
    (venv / "bin/gradclinic").write_text(f'#!{shutil.which("bash")}\nprintf "<%s>" "$PWD" "$@"\n')
    (venv / "bin/gradclinic").chmod(0o755)
    (venv / ".setup-demo").write_text(fingerprint)
    return venv


def test_after_setup_it_needs_no_python_on_the_path_and_passes_arguments_on(machine, checkout, tmp_path):
    finished_venv(machine, checkout)
    finished = subprocess.run(
        [str(machine.home / "run"), "gradclinic", "run", "a spec.json", ""],
        env=machine.environment, cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert finished.stdout == f"<{tmp_path}><run><a spec.json><>"
    assert finished.stderr == ""


@pytest.mark.parametrize("change", ["constraints.txt", "pyproject.toml"])
def test_a_change_of_the_pins_is_installed_at_the_next_command(machine, checkout, change):
    finished_venv(machine, checkout)
    with (machine.home / change).open("a") as file:
        file.write("# changed\n")
    assert "Python 3.11 or newer is needed" in machine.run("gradclinic").stderr


def test_an_unfinished_setup_starts_over(machine, checkout):
    venv = finished_venv(machine, checkout)
    (venv / ".setup-unfinished").touch()
    (venv / "half a package").touch()
    machine.has_python(otherwise='case "$*" in *"-m venv"*) exit 1 ;; *) echo 3.11.0 ;; esac')
    assert "Making .venv" in machine.run("demo").stderr
    assert not (venv / "half a package").exists()


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_leaves_neither_a_half_made_venv_nor_a_process(machine, tmp_path, signal_number):
    started = tmp_path / "started"
    machine.has_python(
        otherwise=f'case "$*" in *"-m venv"*) sleep 987654 & echo $! > "{started}.part"; '
        f'cat "{started}.part" > "{started}"; wait ;; *) echo 3.11.0 ;; esac'
    )
    # As in a terminal, also where whoever started the tests ignores signals, as `nohup` and a shell's `&` do.
    heeding = [str(shutil.which("env")), "--default-signal=INT,TERM,HUP"]
    with subprocess.Popen(
        [*heeding, str(machine.home / "run"), "setup"],
        env=machine.environment, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            child = int(_eventually(lambda: started.exists() and started.read_text().strip()))
            process.send_signal(signal_number)
            _, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "Interrupted" in errors
    assert not (machine.home / ".venv").exists()
    _eventually(lambda: not Path(f"/proc/{child}").exists() or _is_zombie(child))


def _is_zombie(pid: int) -> bool:
    return ") Z " in Path(f"/proc/{pid}/stat").read_text()


def _eventually(condition, *, within_s: float = 30.0):
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if outcome := condition():
            return outcome
        time.sleep(0.01)
    raise AssertionError("it never came true")


IN_PARALLEL = "<--dist><loadfile><--no-loadscope-reorder>"


@pytest.fixture
def prepared(machine: Machine, checkout: Path) -> Machine:
    """A machine whose checks pass, and whose Python prints what it is asked to run."""
    venv = finished_venv(machine, checkout)
    (venv / ".setup-test").write_text((venv / ".setup-demo").read_text())
    (venv / "bin/python").unlink()
    for name in ("python", "ruff", "mypy", "lint-imports", "docker-compose", "hadolint"):
        tool = venv / "bin" / name
        tool.write_text(f'#!{shutil.which("bash")}\nprintf "<%s>" "$OMP_NUM_THREADS" "$@"\n')
        tool.chmod(0o755)
    return machine


def test_fast_tests_run_on_one_process_more_than_cores_and_slow_ones_on_as_many(prepared: Machine):
    cores = len(os.sched_getaffinity(0))
    fast = f"<1><-m><pytest><-m><not slow and not gpu><-n><{min(4, cores + 1)}>{IN_PARALLEL}"
    slow = f"<1><-m><pytest><-m><slow and not gpu><-n><{min(4, cores)}>{IN_PARALLEL}"
    finished = prepared.run("test")
    assert finished.stdout == fast
    assert "ok      types" in finished.stderr
    assert prepared.run("test", "--all").stdout == f"{fast}{slow}"


@pytest.mark.parametrize(("status", "goes_on"), [(1, True), (2, False)])
def test_slow_tests_run_after_a_failure_but_not_after_an_interruption(prepared: Machine, status: int, goes_on: bool):
    python = prepared.home / ".venv/bin/python"
    python.write_text(
        f'#!{shutil.which("bash")}\nprintf "<%s>" "$@"\n[[ "$*" == *"not slow"* ]] && exit {status}\nexit 0\n'
    )
    finished = prepared.run("test", "--all")
    assert finished.returncode == status
    assert ("<slow and not gpu>" in finished.stdout) == goes_on


def test_chosen_tests_run_in_one_process_without_the_checks(prepared: Machine):
    finished = prepared.run("test", "--all", "tests/service", "-x")
    assert finished.stdout.startswith("<><-m><pytest>")
    assert finished.stdout.endswith("<tests/service><-x>")
    assert "-n" not in finished.stdout
    assert finished.stderr == ""


def test_continuous_integration_runs_every_test(checkout):
    assert "exec ./run test --all" in (checkout / ".ci/run").read_text()
    assert os.access(checkout / ".ci/run", os.X_OK)
    assert os.access(checkout / "run", os.X_OK)
