from dataclasses import replace
from types import SimpleNamespace

from gradclinic.pages import study_rows
from gradclinic.pages.study_rows import Answers, is_live
from gradclinic.store import Progress

from .test_figures import comparison


def a_study(name, runs=10, **by_status):
    progress = Progress(runs=runs, by_status=by_status or {"succeeded": runs}, steps_done=0, steps=0)
    return SimpleNamespace(id=name, status="running" if progress.unfinished else "succeeded", progress=progress)


SERVICE = SimpleNamespace(settings=SimpleNamespace(database_url="sqlite://"), store=SimpleNamespace(project=None))


def compared(monkeypatch):
    """The studies that are compared, in the order in which they are."""
    asked = []
    monkeypatch.setattr(study_rows, "compare_study", lambda service, study_id: asked.append(study_id))
    monkeypatch.setattr(study_rows, "answer", lambda comparison: "it helps")
    return asked


def test_the_list_of_studies_says_in_words_what_each_has_shown(clinic):
    text = clinic.page("/studies")
    row = text.split(f"/studies/{clinic.study}")[1].split("</tr>")[0]
    answer = clinic.page(f"/studies/{clinic.study}").split('<h2 id="answer" class="answer">')[1].split("</h2>")[0]
    assert answer in row
    assert f"/studies/{clinic.study}" in clinic.page("/").split('data-part="studies"')[1]


def test_of_a_study_of_the_baseline_alone_the_list_says_its_conditions():
    alone = replace(comparison(), baseline_runs=5, baseline_conditions={"vanishing_gradients": 4, "healthy": 1})
    assert study_rows._found(alone) == "Vanishing gradients in 4, healthy in 1 of 5 runs."


def test_a_study_is_compared_once_after_its_end_and_again_if_its_runs_change(monkeypatch):
    asked, answers = compared(monkeypatch), Answers()
    for _ in range(2):
        (row,) = answers.rows(SERVICE, [a_study("one")])
        assert row.answer == "it helps"
    answers.rows(SERVICE, [a_study("one", runs=9)])
    assert asked == ["one", "one"]


def test_a_study_that_goes_on_is_not_compared(monkeypatch):
    asked = compared(monkeypatch)
    (row,) = Answers().rows(SERVICE, [a_study("one", queued=3, succeeded=7)])
    assert (row.answer, asked) == ("", [])
    assert is_live([row])


def test_one_page_compares_few_runs_and_the_next_one_goes_on(monkeypatch):
    asked, answers = compared(monkeypatch), Answers()
    studies = [a_study(name, runs=study_rows.MOST_RUNS) for name in "ab"]
    first = answers.rows(SERVICE, studies)
    assert [row.answer for row in first] == ["it helps", None]
    assert is_live(first)
    assert not is_live(answers.rows(SERVICE, studies))
    assert asked == ["a", "b"]
