import pytest
from fastapi.testclient import TestClient

from gradclinic.pages.run_list import RUNS
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
    assert len(pages) == 3
    assert "All studies" in client.get("/").text


def test_the_list_can_be_narrowed_to_what_is_wrong(clinic):
    text = clinic.page("/runs?condition=vanishing_gradients")
    assert f"/runs/{clinic.sick}" in text
    assert f"/runs/{clinic.broken}" not in text


def test_a_run_is_found_by_a_part_of_its_name_whatever_it_contains(clinic):
    text = clinic.page("/runs?source=own&search=%3CB%3Ebold")
    assert f"/runs/{clinic.broken}" in text
    assert f"/runs/{clinic.waiting}" not in text
    assert "No runs match these filters" in clinic.page("/runs?search=nothing%25")


@pytest.mark.parametrize(
    ("source", "kind"), [("study", "studies"), ("prescription", "prescriptions"), ("check", "checks")]
)
def test_a_run_that_something_asked_for_leads_there(clinic, source, kind):
    page = Page(clinic.page(f"/runs?source={source}"))
    runs = [link for link in page.all("a") if link["href"].startswith("/runs/run_")]
    parents = [link for link in page.all("a") if link["href"].startswith(f"/{kind}/")]
    assert len(runs) == len(parents) > 0


def test_the_filters_are_kept_on_the_next_page(client):
    client.post("/v1/studies", json={"experiment": EXPERIMENT, "seeds": list(range(35)), "labels": {"a": "b c&d"}})
    _, (older,) = rows(client, "/runs?status=queued&source=study")
    assert older.startswith("/runs?status=queued&source=study&after=run_")
    assert len(rows(client, older)[0]) == 11
    _, (older,) = rows(client, "/runs?source=study&sort=model")
    assert older.startswith("/runs?source=study&sort=model&after=")
    assert len(rows(client, older)[0]) == 11


def test_the_list_begins_with_the_runs_that_nothing_else_asked_for(clinic):
    text = clinic.page("/runs")
    assert f"/runs/{clinic.broken}" in text
    assert f"/runs/{clinic.sick}" not in text
    assert f"/runs/{clinic.sick}" in clinic.page("/runs?source=all&sort=-relative_train_loss")
    assert f"/runs/{clinic.sick}" in clinic.page(f"/runs?search={clinic.sick}")


def heads(text):
    """The links of the columns, and how those that sort the list do."""
    page = Page(text)
    sorts = [head["aria-sort"] for head in page.all("th") if "aria-sort" in head]
    return [link["href"] for link in page.all("a") if "sort=" in (link["href"] or "")], sorts


def test_a_column_sorts_the_list_and_another_click_turns_it_round(clinic):
    links, sorts = heads(clinic.page("/runs?source=study"))
    assert "/runs?source=study&sort=final_validation_loss" in links
    assert "/runs?source=study&sort=-final_validation_accuracy" in links
    assert sorts == ["descending"]
    losses = {}
    for sort in ("final_validation_loss", "-final_validation_loss"):
        found = clinic.client.get("/v1/runs", params={"source": "study", "sort": sort, "limit": RUNS}).json()["items"]
        links, sorts = heads(clinic.page(f"/runs?source=study&sort={sort}"))
        assert sorts == ["descending" if sort.startswith("-") else "ascending"]
        assert ("/runs?source=study&sort=-final_validation_loss" in links) == (not sort.startswith("-"))
        losses[sort], _ = rows(clinic.client, f"/runs?source=study&sort={sort}")
        shown = [each for each in losses[sort] if each.startswith("/runs/")]
        assert shown == [f"/runs/{run['id']}" for run in found]


def test_a_row_says_the_model_and_what_the_run_reached_and_the_list_how_many_there_are(clinic):
    text = clinic.page("/runs?search=relu&source=own")
    assert "MLP 8 x 16, relu" in text
    assert ">1 run<" in text
    total = clinic.client.get("/v1/runs", params={"source": "study", "total": True}).json()["total"]
    assert f">{total} runs<" in clinic.page("/runs?source=study")


def test_a_page_that_continues_a_list_in_another_order_is_refused(clinic):
    answer = clinic.client.get("/runs?sort=model&after=run_a")
    assert (answer.status_code, "does not continue" in answer.text) == (422, True)


def test_the_list_is_narrowed_to_days_of_creation(clinic):
    day = clinic.client.get(f"/v1/runs/{clinic.sick}").json()["created_at"][:10]
    assert f"/runs/{clinic.sick}" in clinic.page(f"/runs?search={clinic.sick}&since={day}&until={day}")
    assert "No runs match these filters." in clinic.page(f"/runs?search={clinic.sick}&until=2001-01-01")
    refused = clinic.client.get("/runs?since=2026-02-31", headers={"Accept": "text/html"})
    assert refused.status_code == 422
    assert "no day of the calendar" in refused.text


def test_a_run_without_a_name_is_called_after_its_model(client):
    unnamed = client.post("/v1/runs", json={"experiment": EXPERIMENT}).json()
    link = f'<a href="/runs/{unnamed["id"]}">MLP 8 x 16, sigmoid</a>'
    assert link in client.get("/runs").text
    assert link in client.get("/").text
    assert ">Model</a>" not in client.get("/runs").text
    assert "<h1>MLP 8 x 16, sigmoid on digits</h1>" in client.get(f"/runs/{unnamed['id']}").text
    client.post("/v1/runs", json={"experiment": EXPERIMENT, "name": "mine"})
    assert ">Model</a>" in client.get("/runs").text
