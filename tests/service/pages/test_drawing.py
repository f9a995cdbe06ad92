"""The process that draws for the API."""

import os
import signal
from collections.abc import Iterator

import numpy as np
import pytest

from gradclinic.kernel.errors import ServiceUnavailable
from gradclinic.measurements.record import Series
from gradclinic.pages import canvas, drawing
from gradclinic.pages.drawing import DrawingProcess
from gradclinic.pages.figures import curves
from tests.waiting import eventually


@pytest.fixture(scope="module")
def process() -> Iterator[DrawingProcess]:
    started = DrawingProcess()
    yield started
    started.close()


def figure() -> drawing.Figure:
    steps, losses = np.arange(3, dtype=np.int32), np.array([[2.0], [1.5], [np.nan]], dtype=np.float32)
    return curves({"train_loss": Series(steps, losses)}, title="α < β")


def test_it_draws_what_this_process_would_draw(process):
    drawn = process.draw({"figure": figure(), "form": "png"})
    assert drawn == canvas.draw(figure(), "png")
    embedded = process.draw({"figure": figure(), "width_in": 4.0})
    assert embedded == canvas.draw_for_page(figure(), width_in=4.0)


def test_one_process_draws_all_figures_and_another_one_after_its_death(process):
    first = process.pid
    process.draw({"figure": figure(), "width_in": 4.0})
    assert process.pid == first
    os.kill(first, signal.SIGKILL)
    eventually(lambda: not process.is_running)
    assert process.draw({"figure": figure(), "width_in": 4.0})
    assert process.pid != first


def test_a_figure_that_cannot_be_drawn_costs_one_answer_only(process):
    with pytest.raises(ServiceUnavailable, match="could not be drawn"):
        process.draw({"figure": {}, "form": "png"})
    assert process.draw({"figure": figure(), "form": "svg"})


def test_a_figure_that_takes_too_long_ends_its_process(process, monkeypatch):
    monkeypatch.setattr(drawing, "DRAWING_S", 0.0)
    with pytest.raises(ServiceUnavailable, match="could not be drawn"):
        process.draw({"figure": figure(), "form": "png"})
    assert not process.is_running
