"""The command run."""

import json

from gradclinic.client import Clinic

from ..api.examples import EXPERIMENT
from .command import gradclinic


def test_a_run_is_read_from_standard_input(clinic: Clinic) -> None:
    done = gradclinic("run", "-", "--no-wait", "--url", clinic.url, given=json.dumps(EXPERIMENT))
    assert done.returncode == 0, done.stderr
    assert "is queued" in done.stdout
