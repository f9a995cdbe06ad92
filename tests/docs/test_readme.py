"""What a newcomer does with the README alone: pins, breaks, and sees a failing check."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from gradclinic import Clinic

from .conftest import SCRIPTS
from .examples import ROOT

pytestmark = pytest.mark.slow


def commands(heading: str) -> list[str]:
    """The commands of the command line below a heading of the README, in their order."""
    part = (ROOT / "README.md").read_text().split(f"# {heading}\n", 1)[1].partition("\n#")[0]
    blocks = re.findall(r"^```\n(.*?)^```", part, re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines() if line.startswith("./run gradclinic")]


def test_the_commands_pin_a_baseline_then_a_check_passes_and_a_changed_experiment_fails(
    service: str, tmp_path: Path
) -> None:
    environment = {**os.environ, "PATH": f"{SCRIPTS}:{os.environ['PATH']}", "GRADCLINIC_URL": service}

    def ran(line: str) -> subprocess.CompletedProcess[str]:
        command = ["bash", "-c", line.replace("./run gradclinic", "gradclinic")]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)

    assert ran("./run gradclinic init").returncode == 0
    init, study, pin, passing, failing = commands("Regression checks in CI")
    assert ran(init).returncode == 0
    compared = ran(study)
    assert compared.returncode == 0, compared.stderr
    (identifier,) = re.findall(r"/studies/(study_\w+)", compared.stdout)
    assert ran(pin.replace("study_01K...", identifier)).returncode == 0
    passed = ran(passing)
    assert (passed.returncode, passed.stdout[:4]) == (0, "pass"), passed.stderr
    failed = ran(failing)
    assert (failed.returncode, failed.stdout[:4]) == (1, "fail"), failed.stderr
    assert "Vanishing gradients hurt learning in 5 of 5 new seeds" in " ".join(failed.stdout.split())
    with Clinic(service) as clinic:
        sick = clinic.pin("sick", study=identifier, arm="baseline")
    assert sick.notes[0].startswith("These runs are sick: vanishing gradients in 5 of 5.")
