import plotly.io as pio
import pytest
from plotly.io.base_renderers import ExternalRenderer

from gradclinic import Clinic, remedies
from gradclinic.kernel import errors
from gradclinic.settings import Settings

from ..api.examples import EXPERIMENT
from ..api.serving import train


class Shown(ExternalRenderer):
    """Takes what Plotly would show, as a notebook does."""

    def __init__(self) -> None:
        self.figures: list[dict] = []

    def render(self, figure: dict) -> None:
        self.figures.append(figure)


def test_a_comparison_is_drawn_by_its_own_metric_and_shows_itself(clinic: Clinic, settings: Settings) -> None:
    study = clinic.study(EXPERIMENT, arms={"norm": [remedies.AddBatchNorm()]}, seeds=[0])
    train(settings, *(run.id for run in study.runs()))
    comparison = study.comparison(metric="final_validation_accuracy")
    assert comparison.figure().layout.title.text == "Validation accuracy against baseline"
    assert study.comparison().figure().layout.title.text == "Validation loss against baseline"
    assert [line.name for line in comparison.figure("profiles").data] == ["baseline", "norm"]
    assert repr(comparison) == str(comparison)
    assert comparison["norm"].arm == "norm"
    with pytest.raises(KeyError, match="no arm is called 'typo'; there are 'norm'"):
        comparison["typo"]
    pio.renderers["shown"] = shown = Shown()
    comparison.figure().show(renderer="shown")
    assert [each["layout"]["title"]["text"] for each in shown.figures] == ["Validation accuracy against baseline"]
    assert "norm" in comparison.figure()._repr_html_()
    with pytest.raises(errors.InsufficientData, match="swept"):
        comparison.figure("map")
    runs = list(study.runs())
    with pytest.raises(errors.InsufficientData, match="only the figures `curves` and `profiles`"):
        clinic.compare([*runs[:1], clinic.run(EXPERIMENT)], baseline=runs[0]).figure("ranking")
