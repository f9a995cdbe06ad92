"""The documents build into a site that needs no other host, and their examples run as they stand."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradclinic.diagnosis.rules import RULES
from gradclinic.remedies import REMEDIES
from tests.servers import free_port
from tests.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(sys.executable).parent
DEFAULT = "http://127.0.0.1:8000"
PAGES = ("index.md", *sorted(f"guides/{path.name}" for path in (ROOT / "docs/guides").glob("*.md")))

pytestmark = pytest.mark.slow


def examples(page: str) -> list[tuple[str, str]]:
    """The commands and the programs of a page, in their order."""
    return re.findall(r"^```(bash|python)\n(.*?)^```", (ROOT / "docs" / page).read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [str(SCRIPTS / "properdocs"), "build", "--strict", "--quiet", "-f", "properdocs.yml", "-d", str(folder)]
    built = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_the_site_has_a_page_for_each_condition_and_each_remedy(site: Path) -> None:
    for folder, names in (("conditions", RULES), ("remedies", REMEDIES)):
        pages = {path.stem for path in (site / "reference" / folder).glob("*.html")}
        assert pages == {"index", *names}
    for kind in REMEDIES:
        assert "language-diff" in (site / f"reference/remedies/{kind}.html").read_text(), kind


def test_the_site_has_every_operation_of_the_api(site: Path) -> None:
    text = (site / "reference/api.html").read_text()
    assert "POST /v1/experiments:resolve" in text
    assert (site / "reference/openapi.json").stat().st_size > 100_000


def test_no_page_of_the_site_asks_another_host_for_anything(site: Path) -> None:
    for page in site.rglob("*.html"):
        loaded = re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=\"([^\"]+)\"", page.read_text())
        assert not [address for address in loaded if "//" in address], page


@pytest.fixture(scope="module")
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


@pytest.mark.parametrize("page", [page for page in PAGES if examples(page)])
def test_the_examples_of_a_page_run_as_they_stand(service: str, tmp_path: Path, page: str) -> None:
    environment = {**os.environ, "PATH": f"{SCRIPTS}:{os.environ['PATH']}", "GRADCLINIC_URL": service}
    interpreters = {"bash": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
    for language, text in examples(page):
        command = [*interpreters[language], text.replace(DEFAULT, service)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
        assert ran.returncode == 0, f"{text}\n{ran.stdout}\n{ran.stderr}"
