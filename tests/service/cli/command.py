"""The command line as a person meets it: in a process of its own, with what it prints and how it ends."""

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

COMMAND = [sys.executable, "-c", "from gradclinic.cli import main; main()"]


def gradclinic(*arguments: str, given: str | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GRADCLINIC_")}
    done = subprocess.run(
        [*COMMAND, *arguments],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**environment, **variables},
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


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
