"""The pages with 20,000 runs, and a study of 500 of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from benchmarks import growth

from gradclinic.settings import Settings

from ..api.serving import NOBODY, serving
from .chromium import MISSING, browsing, executable, open_page
from .conftest import EXPERIMENT
from .document import Page

RUNS, MOST_BYTES, SCREEN = 20_000, 100_000, 800
HOME, LIST, SEARCH, STUDIES = "/", "/runs?source=all", "/runs?source=all&search=sigmoid", "/studies"

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Many:
    api: httpx.Client
    paths: tuple[str, ...]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Many]:
    folder: Path = tmp_path_factory.mktemp("many")
    with pytest.MonkeyPatch.context() as patch:  # the lists do not read these documents
        for name in ("LAYOUT_CHARACTERS", "DOCUMENT_CHARACTERS"):
            patch.setattr(growth, name, 0)
        growth.filled(f"sqlite:///{folder / 'gradclinic.db'}", RUNS).close()
    with serving(Settings(data_dir=folder, broker_url=NOBODY)) as api:
        arms = [
            {"name": f"rate {rate}", "remedies": [{"kind": "set_learning_rate", "value": rate / 100}]}
            for rate in range(11, 30)
        ]
        request = {"experiment": EXPERIMENT, "arms": arms, "seeds": list(range(25))}
        study = api.post("/v1/studies", json=request).json()
        assert study["progress"]["runs"] == 500
        yield Many(api, (HOME, LIST, SEARCH, STUDIES, f"/studies/{study['id']}"))


def sent(api: httpx.Client, path: str) -> int:
    """Bytes of a compressed answer."""
    with api.stream("GET", path, headers={"Accept-Encoding": "gzip", "Accept": "text/html, application/json"}) as got:
        return sum(len(each) for each in got.iter_raw())


def test_a_page_and_its_data_are_small(many: Many) -> None:
    for path in many.paths:
        figures = [
            each["data-figure"] for each in Page(many.api.get(path).text).all("figure") if "data-later" not in each
        ]
        assert sent(many.api, path) + sum(sent(many.api, str(figure)) for figure in figures) < MOST_BYTES, path


@pytest.mark.skipif(executable() is None, reason=MISSING)
def test_no_table_is_longer_than_two_screens(many: Many) -> None:
    with browsing() as browser:
        page = browser.new_page(viewport={"width": 1400, "height": SCREEN})
        for path in many.paths:
            open_page(page, f"{str(many.api.base_url).rstrip('/')}{path}")
            heights = [table.bounding_box()["height"] for table in page.locator("table:visible").all()]
            assert heights, path
            assert max(heights) < 2 * SCREEN, path
