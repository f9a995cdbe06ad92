from gradclinic.kernel.errors import ServiceUnavailable
from gradclinic.queue.messages import Queue

from .document import Page


def test_the_system_shows_runs_storage_limits_and_versions(clinic):
    text = clinic.page("/system")
    runs = clinic.client.get("/v1/runs", params={"status": "succeeded", "total": True}).json()["total"]
    assert f'status=succeeded">{runs}</a>' in text
    for words in ("Statistics of runs", "no limit", "Steps of a run", "sqlite", "gradclinic"):
        assert words in text, words
    assert Page(text).open == []


def test_missing_workers_are_told(clinic):
    assert "No worker was seen lately" in clinic.page("/system")


def test_the_depth_of_each_queue_is_shown_and_one_that_does_not_answer(clinic, monkeypatch):
    monkeypatch.setattr(Queue, "depths", lambda _: {"cpu": 3, "gpu": 0})
    assert "Messages for cpu workers</dt><dd>3</dd>" in clinic.page("/system")

    def unavailable(_):
        raise ServiceUnavailable("it is gone")

    monkeypatch.setattr(Queue, "depths", unavailable)
    assert "The queue does not answer." in clinic.page("/system")
