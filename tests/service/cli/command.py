"""The command line as a person meets it: in a process of its own, with what it prints and how it ends."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

COMMAND = [sys.executable, "-c", "from gradclinic.cli import main; main()"]

_FRESH = os.O_WRONLY | os.O_CREAT | os.O_APPEND
_FORKS = get_context("forkserver")
_COMMANDS = ("run", "study", "check", "schedule", "claim", "catalogue")
_FORKS.set_forkserver_preload(
    [*(f"gradclinic.cli.{name}" for name in _COMMANDS), "gradclinic.web", "alembic.command", "rich.progress"]
)


def gradclinic(*arguments: str, given: str | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself.

    Its process is forked from one that has imported what commands import, which takes longer than most commands.
    """
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GRADCLINIC_")}
    with TemporaryDirectory() as folder:
        said = _Streams(Path(folder))
        said.given.write_text(given or "", encoding="utf-8")
        process = _FORKS.Process(target=_run, args=(arguments, {**environment, **variables}, said))
        process.start()
        process.join(120)
        if process.exitcode is None:
            process.kill()
            raise TimeoutError(f"{' '.join(arguments)} goes on after 120 s")
        done = subprocess.CompletedProcess(
            arguments, process.exitcode, said.output.read_text(), said.errors.read_text()
        )
    assert "Traceback" not in done.stderr, done.stderr
    return done


@dataclass(frozen=True)
class _Streams:
    """The files that a command reads and writes as its standard streams."""

    folder: Path

    @property
    def given(self) -> Path:
        return self.folder / "given"

    @property
    def output(self) -> Path:
        return self.folder / "output"

    @property
    def errors(self) -> Path:
        return self.folder / "errors"


def _run(arguments: Sequence[str], environment: Mapping[str, str], said: _Streams) -> None:
    from gradclinic.cli import main

    for number, path, flags in ((0, said.given, os.O_RDONLY), (1, said.output, _FRESH), (2, said.errors, _FRESH)):
        os.dup2(os.open(path, flags), number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  # until the process ends
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["gradclinic", *arguments]
    main()


def begun(*arguments: str) -> subprocess.Popen[str]:
    """A command that goes on, to be spoken with."""
    return subprocess.Popen(
        [*COMMAND, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def refused(done: subprocess.CompletedProcess[str], status: int) -> str:
    """The one line that says why."""
    assert done.returncode == status, (done.returncode, done.stderr)
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def spec(folder: Path, body: object, name: str = "spec.yaml") -> str:
    """A file that holds a spec."""
    path = folder / name
    path.write_text(yaml.safe_dump(body) if name.endswith(".yaml") else json.dumps(body), encoding="utf-8")
    return str(path)
