import gzip

import pytest


def test_plotly_comes_from_the_installed_package_in_a_fourth_of_its_size(clinic):
    plain = clinic.client.get("/static/plotly.min.js", headers={"Accept-Encoding": "identity"})
    packed = clinic.client.get("/static/plotly.min.js", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.content == plain.content  # the client unpacks it
    assert b"plotly.js v" in plain.content[:2000]
    assert len(gzip.compress(plain.content, 6)) < len(plain.content) / 3
    assert "immutable" in plain.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("name", "kind"), [("app.css", "text/css"), ("app.js", "text/javascript"), ("icon.svg", "image/svg+xml")]
)
def test_our_files_say_what_they_are(clinic, name, kind):
    answer = clinic.client.get(f"/static/{name}")
    assert answer.headers["Content-Type"].startswith(kind)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["pages.py", "..%2Fpages.py", "%2E%2E/pages.py", "app.js%00"])
def test_no_other_file_can_be_asked_for(clinic, name):
    assert clinic.client.get(f"/static/{name}").status_code == 404
