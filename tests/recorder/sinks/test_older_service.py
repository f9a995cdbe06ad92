"""A service that is older than the recorder gets what it knows; and is refused what it would misread."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

from gradclinic.measurements.record import Series
from gradclinic.settings import Settings
from gradclinic_torch.sinks import older_service
from gradclinic_torch.sinks.older_service import Fault, OlderService, TooOld
from gradclinic_torch.sinks.sender import Sender

from ...service.api.serving import NOBODY, serving
from ..loops import digits, mlp, recorded


@pytest.fixture
def here(sqlite_url: str, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, database_url=sqlite_url, broker_url=NOBODY)


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recorder of tomorrow: it sends keys, a statistic and a value that no service of today knows."""
    declare, window, finish = Sender.declare, Sender.window, Sender.finish

    def declare_more(self: Sender, body: dict[str, Any]) -> None:
        declare(self, {**body, "novel": 1, "sites": [{**site, "novel": 2} for site in body["sites"]]})

    def send_more(self: Sender, step: int, series: dict[str, Series]) -> str | None:
        return window(self, step, {**series, "novel": Series(np.array([step - 1], np.int32), np.zeros((1, 1)))})

    def finish_more(self: Sender, ending: dict[str, Any], *, patience_s: float) -> None:
        preflight = {**ending["preflight"], "novel": 3}
        spikes = [{"kind": "novel"}]
        finish(self, {**ending, "novel": 4, "preflight": preflight, "spikes": spikes}, patience_s=patience_s)

    monkeypatch.setattr(Sender, "declare", declare_more)
    monkeypatch.setattr(Sender, "window", send_more)
    monkeypatch.setattr(Sender, "finish", finish_more)


def test_what_an_older_service_does_not_know_is_left_out_and_said(
    here: Settings, newer: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("gradclinic_torch.attach.observer.WINDOW_SECONDS", 0.0)
    caplog.set_level(logging.WARNING, "gradclinic.recording")
    with serving(here) as api:
        recording = recorded(mlp(depth=3, act=nn.ReLU), digits(steps=40), to=str(api.base_url), patience_s=60)
        run = api.get(f"/v1/runs/{recording.run_id}").json()
        declared = api.get(f"/v1/recordings/{recording.run_id}").json()["declared"]
        curve = api.get(f"/v1/runs/{recording.run_id}/curves").json()["curves"][0]
    assert (recording.over, recording.refusal) == (None, None)
    assert run["status"] == "succeeded"
    assert curve["steps"] == list(range(40))
    assert recording.diagnosis().primary == run["diagnosis"]["primary"]
    said = "the service is older than the recorder and does not keep: novel, sites/*/novel"
    assert said in declared["environment"]["notes"]
    text = caplog.text
    assert text.count("the statistic novel") == 1
    assert "does not keep: novel, preflight/novel, spikes" in text


def test_what_the_rest_would_mean_something_else_without_is_refused_with_what_to_do(
    here: Settings, newer: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(older_service, "CHANGES_MEANING", frozenset({"sites/*/novel"}))
    with serving(here) as api:
        recording = recorded(mlp(depth=2), digits(steps=5), to=str(api.base_url), patience_s=60)
    assert recording.run_id is None
    assert recording.refusal is not None
    assert "does not know 'sites/*/novel'" in recording.refusal
    assert "upgrade the service" in recording.refusal


def test_a_key_that_matters_and_says_nothing_is_left_out() -> None:
    unknown = [Fault("/sites/1/path", "unknown key 'path'")]
    plain = {"sites": [{"name": "0", "path": ""}, {"name": "1", "path": ""}]}
    older = OlderService()
    assert older.learn("declare", plain, unknown) == ["sites/*/path"]
    assert older.known("declare", plain) == {"sites": [{"name": "0"}, {"name": "1"}]}
    split = {"sites": [{"name": "0", "path": ""}, {"name": "1", "path": "decoder"}]}
    with pytest.raises(TooOld):
        OlderService().learn("declare", split, unknown)


def test_other_refusals_stay_refusals() -> None:
    older, body = OlderService(), {"steps": 0, "novel": 1}
    unknown = Fault("/novel", "unknown key 'novel'")
    assert older.learn("declare", body, [unknown, Fault("/steps", "should be at least 1")]) == []
    assert older.learn("declare", body, []) == []
    assert older.known("declare", body) == body
    assert older.learn("declare", body, [Fault("/gone", "unknown key 'gone'")]) == [], "it was not sent"
