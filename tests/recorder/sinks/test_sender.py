"""From a loop of one's own to a diagnosis of the service, over real HTTP; and what becomes of it while that is away."""

import logging
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from gradclinic import Clinic
from gradclinic.measurements.record import Series
from gradclinic.settings import Settings
from gradclinic_torch import Recording
from gradclinic_torch.sinks import sender
from gradclinic_torch.sinks.sender import NUMBERS, parts

from ...servers import free_port
from ...service.api.keyed import keyed
from ...service.api.serving import NOBODY, serving
from ...waiting import eventually
from ..loops import digits, fit, mlp, probe, recorded, same, weights_of


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, database_url=database_url, broker_url=NOBODY)


@pytest.fixture
def here(sqlite_url: str, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, database_url=sqlite_url, broker_url=NOBODY)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "PAUSE_S", 0.02)
    monkeypatch.setattr("gradclinic_torch.attach.observer.WINDOW_SECONDS", 0.0)


def test_a_key_goes_with_a_recording(here: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with keyed(here) as service:
        url = str(service.api.base_url)
        monkeypatch.setenv("GRADCLINIC_API_KEY", service.keys["run"])
        recording = recorded(mlp(depth=2), digits(steps=5), to=url, patience_s=60)
        assert recording.run_id is not None
        assert service.store.runs.get(recording.run_id).ended


def test_without_its_key_nothing_is_sent_and_the_training_goes_on(
    here: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with keyed(here) as service:
        monkeypatch.setenv("GRADCLINIC_API_KEY", service.keys["read"])
        recording = recorded(mlp(depth=2), digits(steps=5), to=str(service.api.base_url), patience_s=60)
    assert recording.run_id is None
    assert "the scope run" in caplog.text
    assert service.keys["read"] not in caplog.text


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (RuntimeError("out of memory"), "failed", "its program failed: RuntimeError: out of memory"),
        (KeyboardInterrupt(), "succeeded", "the program stopped after 5 of 60 steps"),
    ],
)
def test_a_recording_that_an_error_leaves_has_failed_and_is_diagnosed(
    here: Settings, error: BaseException, status: str, reason: str
) -> None:
    model, data = mlp(depth=2), digits(steps=5)
    optimizer, criterion = torch.optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss()
    with serving(here) as api, Clinic(str(api.base_url)) as clinic:
        recording = Recording(model, optimizer, criterion, to=clinic, steps=60, patience_s=60)

        def broken() -> None:
            with recording:
                for inputs, targets in data:
                    optimizer.zero_grad()
                    loss = criterion(model(inputs), targets)
                    loss.backward()
                    recording.after_backward(loss)
                    optimizer.step()
                raise error

        with pytest.raises(type(error)):
            broken()
        assert recording.run_id is not None
        run = clinic.get_run(recording.run_id)
        assert (run.status, run.answer.reason.text) == (status, reason)
        assert run.diagnosis().findings


def test_a_vanishing_network_is_diagnosed_from_its_own_loop(settings: Settings) -> None:
    with serving(settings) as api:
        url = str(api.base_url)
        recording = recorded(
            mlp(depth=8), digits(steps=60), to=url, name="mine", labels={"team": "vision"}, steps=60, probe=probe(),
            patience_s=60,
        )  # fmt: skip
        assert recording.run_id is not None
        with Clinic(url) as clinic:
            run = clinic.get_run(recording.run_id)
            found, profile = run.diagnosis().findings[0], run.profile()
            sent = run.statistics("site_grad_rms", "probe_loss")
    assert (run.status, run.answer.origin, run.answer.name) == ("succeeded", "external", "mine")
    assert (run.answer.progress.step, run.answer.progress.steps) == (60, 60)
    assert recording.diagnosis().findings[0].summary == found.summary
    assert (found.condition, found.harm) == ("vanishing_gradients", True)
    assert profile.depth_slope > 1.5
    assert run.metrics is not None
    assert run.metrics.relative_train_loss == pytest.approx(1.0, abs=0.1)
    assert run.answer.document["environment"]["torch"] == str(torch.__version__)
    local = recorded(mlp(depth=8), digits(steps=60), steps=60, probe=probe()).record
    for name, each in sent.items():
        np.testing.assert_array_equal(np.float32(each.values), local.get(name).values)


def test_the_end_of_a_training_is_told_with_what_validation_gave(here: Settings) -> None:
    with serving(here) as api:
        model = mlp(depth=1, act=nn.Tanh)
        optimizer, criterion = torch.optim.Adam(model.parameters(), lr=0.01), nn.CrossEntropyLoss()
        recording = Recording(model, optimizer, criterion, to=str(api.base_url), patience_s=60)
        for inputs, targets in digits(steps=150):
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            recording.after_backward(loss)
            optimizer.step()
        recording.finish(validation_loss=0.2, validation_accuracy=0.95)
        recording.finish()
        run = api.get(f"/v1/runs/{recording.run_id}").json()
    assert run["metrics"]["final_validation_loss"] == 0.2
    assert run["metrics"]["final_validation_accuracy"] == 0.95
    assert run["diagnosis"]["primary"] == "healthy"
    assert run["diagnosis"]["findings"][0]["confidence"] == 0.87


def test_a_service_that_goes_away_and_comes_back_gets_everything(here: Settings, quick: None) -> None:
    port, batches, went = free_port(), digits(steps=40), threading.Event()
    model = mlp(depth=3)
    optimizer, criterion = torch.optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss()
    recording = Recording(model, optimizer, criterion, to=f"http://127.0.0.1:{port}", patience_s=60)

    def step(inputs: Any, targets: Any) -> None:
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        recording.after_backward(loss)
        optimizer.step()

    with serving(here, port=port):
        for batch in batches[:10]:
            step(*batch)
        eventually(lambda: recording.run_id is not None)
    went.set()
    began = time.monotonic()
    for batch in batches[10:30]:
        step(*batch)
    assert time.monotonic() - began < 30  # nobody waited for it
    with serving(here, port=port) as api:
        for batch in batches[30:]:
            step(*batch)
        recording.finish()
        assert recording.over is None
        curve = api.get(f"/v1/runs/{recording.run_id}/curves").json()["curves"][0]
        assert curve["steps"] == list(range(40))
        assert api.get(f"/v1/runs/{recording.run_id}").json()["status"] == "succeeded"


def test_a_service_that_is_never_there_costs_its_patience_only(quick: None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "gradclinic.recording")
    batches, plain, model = digits(steps=15), mlp(depth=3), mlp(depth=3)
    fit(plain, batches, record=False)
    began = time.monotonic()
    recording = recorded(model, batches, to=f"http://127.0.0.1:{free_port()}", patience_s=0.2)
    assert time.monotonic() - began < 30
    assert recording.run_id is None
    with pytest.raises(RuntimeError, match="has no diagnosis yet"):
        recording.diagnosis()
    assert same(weights_of(plain), weights_of(model))
    said = [each.message for each in caplog.records]
    assert len(said) == 2
    assert "is unreachable" in said[0]
    assert "within 0.2 s" in said[1]


class Troubled(BaseHTTPRequestHandler):
    """A service that takes a recording, and then answers as its server says, or not at all."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        status: int | None = 201 if self.path == "/v1/recordings" else self.server.status  # type: ignore[attr-defined]
        if status is None:
            self.server.closing.wait()  # type: ignore[attr-defined]
            return
        body = b'{"id": "run_1", "detail": "the disk is full"}'
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.mark.parametrize("status", [None, 507], ids=["slow", "full"])
def test_a_service_that_does_not_answer_or_has_no_room_costs_its_patience_only(
    status: int | None, quick: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "gradclinic.recording")
    batches, plain, model = digits(steps=15), mlp(depth=3), mlp(depth=3)
    fit(plain, batches, record=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Troubled) as server:
        server.status, server.closing = status, threading.Event()  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        optimizer, criterion = torch.optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss()
        url = f"http://127.0.0.1:{server.server_port}"
        with Recording(model, optimizer, criterion, to=url, patience_s=0.1) as recording:
            for inputs, targets in batches:
                optimizer.zero_grad()
                loss = criterion(model(inputs), targets)
                loss.backward()
                recording.after_backward(loss)
                optimizer.step()
            eventually(lambda: recording.run_id == "run_1" and (status is None or "the disk is full" in caplog.text))
        server.closing.set()  # type: ignore[attr-defined]
        server.shutdown()
    assert recording.step == 15
    assert same(weights_of(plain), weights_of(model))
    assert "did not receive the complete recording within 0.1 s" in caplog.text


def test_what_waits_is_bounded(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "MOST_BYTES", 2000)
    recording = recorded(mlp(depth=3), digits(steps=30), to=f"http://127.0.0.1:{free_port()}", patience_s=0.1)
    assert recording.over == "the service is unreachable, and the buffer is full"


def test_a_recording_that_was_cancelled_there_goes_on_training_here(here: Settings, quick: None) -> None:
    batches, plain, model = digits(steps=60), mlp(depth=3), mlp(depth=3)
    fit(plain, batches, record=False)
    with serving(here) as api:
        optimizer, criterion = torch.optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss()
        with Recording(model, optimizer, criterion, to=str(api.base_url), patience_s=60) as recording:
            for number, (inputs, targets) in enumerate(batches):
                optimizer.zero_grad()
                loss = criterion(model(inputs), targets)
                loss.backward()
                recording.after_backward(loss)
                optimizer.step()
                if number == 20:
                    eventually(lambda: recording.run_id is not None)
                    api.post(f"/v1/runs/{recording.run_id}/cancel").raise_for_status()
        run = api.get(f"/v1/runs/{recording.run_id}").json()
    assert run["status"] == "canceled"
    assert same(weights_of(plain), weights_of(model))


def test_a_program_that_pauses_says_that_it_lives(here: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "ALIVE_S", 0.05)
    with serving(here) as api:
        model = mlp(depth=2)
        optimizer, criterion = torch.optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss()
        with Recording(model, optimizer, criterion, to=str(api.base_url), patience_s=60) as recording:
            inputs, targets = digits(steps=1)[0]
            loss = criterion(model(inputs), targets)
            loss.backward()
            recording.after_backward(loss)
            optimizer.step()
            eventually(lambda: recording.run_id is not None)
            eventually(lambda: api.get(f"/v1/recordings/{recording.run_id}").json()["next_window"] > 3)
        assert api.get(f"/v1/runs/{recording.run_id}").json()["status"] == "succeeded"


def test_a_window_is_cut_to_what_a_request_can_hold() -> None:
    steps = np.arange(50, dtype=np.int32)
    series = {
        name: Series(steps, np.full((50, 2999), np.nan, np.float32)) for name in ("site_grad_rms", "dead_fraction")
    }
    series["train_loss"] = Series(steps, np.zeros((50, 1), np.float32))
    found = list(parts(series))
    assert all(sum(each.values.size + len(each) for each in part.values()) <= NUMBERS for part in found)
    for name, whole in series.items():
        joined = np.concatenate([part[name].steps for part in found if name in part])
        assert joined.tolist() == whole.steps.tolist()
    assert list(parts({})) == [{}]
