import re

import numpy as np
import pytest
from matplotlib.axes import Axes

from gradclinic.measurements.record import Series
from gradclinic.pages.canvas import draw
from gradclinic.pages.figures import curves


def drawn(monkeypatch: pytest.MonkeyPatch, *, losses: list[float], title: str = "") -> list[Axes]:
    """The axes of a run's curves, as they are when the picture is written."""
    import matplotlib.figure

    kept: list[Axes] = []
    save = matplotlib.figure.Figure.savefig

    def keep(canvas, *arguments, **options):
        kept.extend(canvas.axes)
        return save(canvas, *arguments, **options)

    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", keep)
    steps = np.arange(len(losses), dtype=np.int32)
    values = np.asarray(losses, dtype=np.float32)[:, None]
    figure = curves({"train_loss": Series(steps, values), "grad_norm_l2": Series(steps, values)}, title=title)
    assert draw(figure, "png").startswith(b"\x89PNG")
    return kept


def test_few_steps_are_named_by_whole_numbers(monkeypatch):
    *_, lowest = drawn(monkeypatch, losses=[2.3, 2.2, 2.1])
    names = [label.get_text() for label in lowest.get_xticklabels()]
    assert names == ["0", "1", "2"]


def test_a_logarithmic_axis_of_less_than_two_decades_has_more_than_one_name(monkeypatch):
    _, gradient, *_ = drawn(monkeypatch, losses=[0.3, 2.2, 0.4])
    names = [label.get_text() for label in gradient.get_yticklabels()]
    assert len(names) >= 2
    assert all(re.fullmatch(r"[\d.]+", name) for name in names)


def test_a_title_that_is_wider_than_the_picture_is_cut(monkeypatch):
    (first, *_) = drawn(monkeypatch, losses=[1.0, 0.5], title="x" * 200)
    assert len(first.figure.get_suptitle()) <= 90
