import gzip
import re

import pytest

from gradclinic.kernel.errors import NotFound
from gradclinic.pages.files import Packaged


def test_plotly_comes_from_the_installed_package_in_a_fourth_of_its_size(clinic):
    plain = clinic.client.get("/static/plotly.min.js", headers={"Accept-Encoding": "identity"})
    packed = clinic.client.get("/static/plotly.min.js", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.content == plain.content  # the client unpacks it
    assert b"plotly.js v" in plain.content[:2000]
    assert len(gzip.compress(plain.content, 6)) < len(plain.content) / 3
    assert "immutable" in plain.headers["Cache-Control"]


def test_every_button_of_a_chart_is_one_that_plotly_has_and_none_sends_anything_away(clinic):
    bundle = clinic.client.get("/static/plotly.min.js").text
    script = clinic.client.get("/static/app.js").text
    known = set(re.findall(r'\b\w+\.(\w+)=\{name:"\1"', bundle))
    assert {"toImage", "sendChartToCloud"} <= known
    used = re.findall(r'"(\w+)"', re.search(r"modeBarButtons: (.*),\n", script)[1])
    assert "toImage" in used
    assert set(used) <= known - {"sendChartToCloud"}


def test_swagger_ui_comes_from_the_installed_package_and_the_page_loads_it_from_there(clinic):
    text = clinic.page("/docs")
    for name, kind in (("swagger-ui-bundle.js", "text/javascript"), ("swagger-ui.css", "text/css")):
        (address,) = re.findall(rf'"(/static/{name}\?v=[0-9.]+)"', text)
        answer = clinic.client.get(address)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"].startswith(kind)
        assert "immutable" in answer.headers["Cache-Control"]
    assert "https://" not in text


def test_a_file_of_a_package_that_is_not_installed_is_not_there():
    absent = Packaged("gradclinic-nonsense", "gradclinic_nonsense", "a.js", "text/javascript")
    assert not absent.installed
    with pytest.raises(NotFound, match="gradclinic-nonsense is not installed here"):
        absent.read()


def test_fastapis_own_pages_which_load_from_another_host_are_not_served(clinic):
    assert clinic.client.get("/redoc").status_code == 404
    assert clinic.client.get("/openapi.json").json()["openapi"].startswith("3.1")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("app.css", "text/css"),
        ("app.js", "text/javascript"),
        ("docs.js", "text/javascript"),
        ("icon.svg", "image/svg+xml"),
    ],
)
def test_our_files_say_what_they_are(clinic, name, kind):
    answer = clinic.client.get(f"/static/{name}")
    assert answer.headers["Content-Type"].startswith(kind)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["pages.py", "..%2Fpages.py", "%2E%2E/pages.py", "app.js%00"])
def test_no_other_file_can_be_asked_for(clinic, name):
    assert clinic.client.get(f"/static/{name}").status_code == 404
