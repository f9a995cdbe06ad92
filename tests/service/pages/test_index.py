from .document import Page


def test_runs_that_a_study_a_search_or_a_check_asked_for_do_not_flood_the_first_page(clinic):
    text = clinic.page("/")
    assert f"/runs/{clinic.broken}" in text
    assert f"/studies/{clinic.study}" in text
    assert f"/runs/{clinic.sick}" not in text
    links = {link["href"] for link in Page(text).all("a")}
    assert "/runs?source=all" in links
