"""The documents as a site, and the service that their examples talk to."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import free_port
from tests.waiting import eventually

from .examples import ROOT

SCRIPTS = Path(sys.executable).parent


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [str(SCRIPTS / "properdocs"), "build", "--strict", "--quiet", "-f", "properdocs.yml", "-d", str(folder)]
    built = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A whole service with a worker, as `gradclinic serve` starts it."""
    folder = tmp_path_factory.mktemp("service")
    port = free_port()
    command = [str(SCRIPTS / "gradclinic"), "serve", "--port", str(port), "--workers", "1", "--data-dir", str(folder)]
    with (folder / "log").open("w") as log:
        serve = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        eventually(lambda: "is running at" in (folder / "log").read_text())
        yield f"http://127.0.0.1:{port}"
    finally:
        serve.terminate()
        serve.wait(timeout=60)
