"""The documents build into a site that needs no other host, and their examples run as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gradclinic.diagnosis.rules import RULES
from gradclinic.remedies import REMEDIES
from tests.service.pages.chromium import MISSING, browsing, complaints, executable

from .conftest import SCRIPTS
from .examples import ROOT, examples

DEFAULT = "http://127.0.0.1:8000"
PAGES = ("index.md", *sorted(f"guides/{path.name}" for path in (ROOT / "docs/guides").glob("*.md")))

pytestmark = pytest.mark.slow


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


@pytest.mark.skipif(executable() is None, reason=MISSING)
def test_the_search_finds_a_page_without_a_web_server(site: Path) -> None:
    with browsing() as browser:
        page = browser.new_page()
        errors = complaints(page)
        page.goto((site / "guides/client.html").as_uri())
        page.get_by_role("link", name="Search").click()
        page.locator("#properdocs-search-query").press_sequentially("vanishing")
        page.get_by_role("link", name="Vanishing gradients").first.click()
        assert page.url == (site / "reference/conditions/vanishing_gradients.html").as_uri()
        assert errors == []


@pytest.mark.parametrize("page", [page for page in PAGES if examples(page, "bash", "python")])
def test_the_examples_of_a_page_run_as_they_stand(service: str, tmp_path: Path, page: str) -> None:
    environment = {**os.environ, "PATH": f"{SCRIPTS}:{os.environ['PATH']}", "GRADCLINIC_URL": service}
    interpreters = {"bash": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}
    for language, text in examples(page, "bash", "python"):
        command = [*interpreters[language], text.replace(DEFAULT, service)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
        assert ran.returncode == 0, f"{text}\n{ran.stdout}\n{ran.stderr}"
