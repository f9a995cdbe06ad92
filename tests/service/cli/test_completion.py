"""Completion as bash uses it, with the script that the program installs."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

COMPLETED = """
source ~/.bashrc
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_gradclinic_completion gradclinic
printf '%s\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder in whose bash completion is installed, with the program as `bin/gradclinic`."""
    folder = tmp_path_factory.mktemp("home")
    program = folder / "bin" / "gradclinic"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m gradclinic "$@"\n')
    program.chmod(0o755)
    ran(folder, "bash", "-c", "gradclinic --install-completion && true")  # it asks which shell started it
    return folder


def ran(home: Path, *command: str) -> str:
    environment = {**os.environ, "HOME": str(home), "PATH": f"{home / 'bin'}:{os.environ['PATH']}"}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("st", {"study", "studies"}),
        ("runs list --condition vanishing", {"vanishing_gradients"}),
        ("catalogue remedies swap", {"swap_activation"}),
    ],
)
def test_bash_completes_commands_values_and_entries(home: Path, typed: str, completed: set[str]) -> None:
    words = ran(home, "bash", "-c", COMPLETED, "bash", "gradclinic", *typed.split()).split()
    assert completed <= set(words)
    assert all(word.startswith(typed.rsplit(maxsplit=1)[-1]) for word in words)
