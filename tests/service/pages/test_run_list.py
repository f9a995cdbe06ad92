import pytest
from fastapi.testclient import TestClient

from gradclinic.settings import Settings
from gradclinic.store import migrate
from gradclinic.web import create_app

from .conftest import EXPERIMENT
from .document import Page


@pytest.fixture
def client(tmp_path):
    settings = Settings(data_dir=tmp_path, broker_url="redis://127.0.0.1:1/0")
    migrate.upgrade(settings.database_url)
    with TestClient(create_app(settings), base_url="http://127.0.0.1") as client:
        yield client


def rows(client, path):
    """The addresses that head the rows of a page's tables, and the address of the next page."""
    page = Page(client.get(path).text)
    older = [link["href"] for link in page.all("a") if link.get("rel") == "next"]
    heads = [link["href"] for link in page.all("a") if link["href"].startswith(("/runs/", "/studies/"))]
    return list(dict.fromkeys(heads)), older


def walk(client, path):
    """What the pages of a list show, one page after the other."""
    pages, following = [], [path]
    while following:
        shown, following = rows(client, following[0])
        pages.append(shown)
    return pages


def test_every_run_of_a_large_study_can_be_reached_and_no_page_is_long(client):
    study = client.post("/v1/studies", json={"experiment": EXPERIMENT, "seeds": list(range(120))}).json()
    pages = walk(client, f"/runs?study={study['id']}")
    own = [address for page in pages for address in page if address.startswith("/runs/")]
    assert len(set(own)) == len(own) == 120
    assert max(map(len, pages)) <= 51
    shown = client.get(f"/studies/{study['id']}").text
    assert shown.count('href="/runs/run_') == 20
    assert f'href="/runs?study={study["id"]}">All 120 runs' in shown


def test_every_study_can_be_reached(client):
    quick = {"experiment": EXPERIMENT, "seeds": [0]}
    made = {f"/studies/{client.post('/v1/studies', json=quick).json()['id']}" for _ in range(53)}
    pages = walk(client, "/studies")
    assert {address for page in pages for address in page} == made
    assert len(pages) == 2
    assert "All studies" in client.get("/").text


def test_the_list_can_be_narrowed_to_what_is_wrong(clinic):
    text = clinic.page("/runs?condition=vanishing_gradients")
    assert f"/runs/{clinic.sick}" in text
    assert f"/runs/{clinic.broken}" not in text


def test_a_run_is_found_by_a_part_of_its_name_whatever_it_contains(clinic):
    text = clinic.page("/runs?name=%3CB%3Ebold")
    assert f"/runs/{clinic.broken}" in text
    assert f"/runs/{clinic.waiting}" not in text
    assert "No runs match these filters" in clinic.page("/runs?name=nothing%25")


@pytest.mark.parametrize(
    ("source", "kind"), [("study", "studies"), ("prescription", "prescriptions"), ("check", "checks")]
)
def test_a_run_that_something_asked_for_leads_there(clinic, source, kind):
    page = Page(clinic.page(f"/runs?source={source}"))
    runs = [link for link in page.all("a") if link["href"].startswith("/runs/run_")]
    parents = [link for link in page.all("a") if link["href"].startswith(f"/{kind}/")]
    assert len(runs) == len(parents) > 0


def test_the_filters_are_kept_on_the_next_page(client):
    client.post("/v1/studies", json={"experiment": EXPERIMENT, "seeds": list(range(60)), "labels": {"a": "b c&d"}})
    _, (older,) = rows(client, "/runs?status=queued&source=study")
    assert older.startswith("/runs?status=queued&source=study&after=run_")
    assert len(rows(client, older)[0]) == 11
