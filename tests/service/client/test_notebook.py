"""What notebooks show, and results as tables."""

import importlib.util
import sys

import pyarrow as pa
import pytest

from gradclinic import Clinic, remedies
from gradclinic.client import Study
from gradclinic.kernel import errors
from gradclinic.settings import Settings

from ..api.examples import EXPERIMENT
from ..api.serving import train


@pytest.fixture
def study(clinic: Clinic, settings: Settings) -> Study:
    study = clinic.study(EXPERIMENT, arms={"norm <b>": [remedies.AddBatchNorm()]}, seeds=[0], name="<script>")
    train(settings, *(run.id for run in study.runs()))
    return study.refresh()


def test_a_notebook_shows_words_and_a_chart_and_figures_have_names(clinic: Clinic, study: Study) -> None:
    runs = list(study.runs())
    single = clinic.compare(runs, baseline=runs[0])
    for shown, words in ((runs[0], "step"), (study, "norm &lt;b&gt;"), (study.comparison(), "verdict"), (single, "D")):
        html = shown._repr_html_()
        assert '<img src="data:image/svg+xml;base64,' in html
        assert words in html
        assert "<script" not in html
        assert "<b>norm" not in html
    assert len(single.figure("profiles").data) == 2
    assert runs[0].figure("curves").data
    assert study.figure().layout.title.text == "Validation loss against baseline"
    with pytest.raises(errors.InvalidSpec, match="profile, curves, heatmap"):
        runs[0].figure("portrait")


def test_a_run_that_waits_is_shown_without_a_chart(clinic: Clinic) -> None:
    html = clinic.run(EXPERIMENT)._repr_html_()
    assert "queued" in html
    assert "<img" not in html


def test_results_are_tables_and_complete_in_a_shell(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = study.to_arrow()
    assert runs.num_rows == 2
    assert {"arm", "seed", "condition", "final_validation_loss"} <= set(runs.column_names)
    effects = study.comparison().to_arrow()
    assert set(effects["arm"].to_pylist()) == {"norm <b>"}
    assert "final_validation_loss" in effects["metric"].to_pylist()
    series = next(study.runs()).to_arrow("site_grad_rms", "train_loss")
    assert series.column_names == ["statistic", "step", "layer", "value"]
    assert series.schema.field("value").type == pa.float64()
    assert study.comparison()._ipython_key_completions_() == ["norm <b>"]
    assert "AddBatchNorm" in dir(remedies)
    if importlib.util.find_spec("pandas") is not None:
        assert study.comparison().to_pandas().shape == (effects.num_rows, effects.num_columns)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(errors.SetupFailed, match=r"pandas is not installed.*'gradclinic\[notebook\]'"):
        study.to_pandas()


def test_waiting_shows_its_progress_if_asked(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    study.wait(progress=True)
    assert "2/2  " in capsys.readouterr().err
    next(study.runs()).wait(progress=True)
    assert "step 30 of 30" in capsys.readouterr().err
