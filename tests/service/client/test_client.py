import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import plotly.io as pio
import pytest
from plotly.io.base_renderers import ExternalRenderer

from gradclinic import Clinic, Experiment, remedies
from gradclinic.kernel import errors
from gradclinic.settings import Settings

from ..api.examples import EXPERIMENT, experiment
from ..api.serving import NOBODY, serving, train


@pytest.fixture
def settings(sqlite_url: str, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, database_url=sqlite_url, broker_url=NOBODY)


@pytest.fixture
def clinic(settings: Settings) -> Iterator[Clinic]:
    with serving(settings) as http, Clinic(str(http.base_url)) as client:
        yield client


def test_a_study_goes_from_question_to_answer(clinic: Clinic, settings: Settings) -> None:
    posted = Experiment.model_validate(EXPERIMENT)
    study = clinic.study(
        posted,
        arms={"norm": [remedies.AddBatchNorm()], "shallow": experiment(model={"depth": 3})},
        seeds=range(2),
        name="trial",
    )
    assert study.status == "running"
    events: list[dict] = []
    training = threading.Thread(target=train, args=(settings, *(run.id for run in study.runs())))
    training.start()
    study.wait(timeout_s=120, progress=events.append)
    training.join()
    assert study.status == "succeeded"
    assert sum(event["event"] == "run" for event in events) == 6
    comparison = study.comparison()
    assert comparison["norm"]["effects"]["final_validation_loss"]["difference"] < 0
    assert {arm["arm"] for arm in comparison.arms} == {"norm", "shallow"}
    text = str(comparison)
    assert "norm" in text
    assert "val. loss" in text
    assert [found.id for found in clinic.studies()] == [study.id]


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
    assert comparison.figure().layout.title.text == "Final validation accuracy against baseline"
    assert study.comparison().figure().layout.title.text == "Final validation loss against baseline"
    assert [line.name for line in comparison.figure("profiles").data] == ["baseline", "norm"]
    assert repr(comparison) == str(comparison)
    pio.renderers["shown"] = shown = Shown()
    comparison.figure().show(renderer="shown")
    assert [each["layout"]["title"]["text"] for each in shown.figures] == ["Final validation accuracy against baseline"]
    assert "norm" in comparison.figure()._repr_html_()
    with pytest.raises(errors.InsufficientData, match="swept"):
        comparison.figure("map")
    runs = list(study.runs())
    with pytest.raises(errors.InsufficientData, match="belong to none"):
        clinic.compare([*runs[:1], clinic.run(EXPERIMENT)], baseline=runs[0]).figure()


def test_a_run_can_be_read_in_every_way(clinic: Clinic, settings: Settings) -> None:
    run = clinic.run(EXPERIMENT, [remedies.SwapActivation(activation="tanh")], name="one", labels={"a": "b"})
    train(settings, run.id)
    assert run.wait(timeout_s=60).status == "succeeded"
    assert run.metrics is not None
    assert run.metrics["final_train_loss"] > 0
    assert run.diagnosis()["findings"]
    assert run.judge(thresholds={"depth_slope": 40.0})["rule_set"]
    assert run.statistics("site_grad_rms", steps="0:3")["site_grad_rms"]["steps"] == [0, 1, 2]
    assert len(run.profile()["points"]) == 8
    assert run.curves(max_points=4)["sampled"]
    assert [found.id for found in clinic.runs(label="a:b")] == [run.id]
    report = run.report()
    assert report.startswith("<!doctype html>")
    assert all(words in report for words in (run.id, run.diagnosis()["findings"][0]["source"], "<svg"))
    assert clinic.get_run(run.id).data == run.data
    run.delete()
    with pytest.raises(errors.NotFound):
        run.refresh()


def test_what_the_service_refuses_raises_what_the_service_met(clinic: Clinic) -> None:
    with pytest.raises(errors.InvalidSpec) as caught:
        clinic.run(experiment(model={"depth": 0}, optimizer={"learning_rate": float("nan")}))
    found = {problem.pointer: problem for problem in caught.value.problems}
    assert found["/experiment/model/depth"].value == 0
    assert found["/experiment/model/depth"].allowed == "an integer from 1 to 1,000"
    assert "/experiment/optimizer/learning_rate" in found
    with pytest.raises(errors.RemedyDoesNotApply):
        clinic.resolve(EXPERIMENT, [remedies.SwapActivation(activation="sigmoid")])
    with pytest.raises(errors.TooLarge):
        clinic.resolve(experiment(model={"width": 60_000}))
    with pytest.raises(errors.NotFound):
        clinic.get_study("study_1")
    with pytest.raises(errors.InsufficientData):
        clinic.run(EXPERIMENT).diagnosis()


def test_a_cancelled_run_has_ended(clinic: Clinic) -> None:
    run = clinic.run(EXPERIMENT)
    assert run.cancel().ended
    study = clinic.study(EXPERIMENT, seeds=[0])
    assert study.cancel().status == "canceled"


def test_rows_of_ones_own_are_sent_and_trained_on(clinic: Clinic, tmp_path: Path) -> None:
    table = tmp_path / "own.csv"
    table.write_text("x,kind,y\n" + "".join(f"{i % 7},{'ab'[i % 2]},{i}\n" for i in range(40)), encoding="utf-8")
    found = clinic.upload(table, target="kind")
    assert (found["rows"], found["shape"], found["classes"]) == (40, [2], ["a", "b"])
    assert [known["id"] for known in clinic.datasets()] == [found["id"]]
    run = clinic.run(experiment(data={"kind": "uploaded", "id": found["id"]}))
    assert run.data["experiment"]["data"]["id"] == found["id"]
    assert clinic.get_dataset(found["id"])["runs"] == 1
    with pytest.raises(errors.Conflict, match="1 unfinished run needs it"):
        clinic.delete_dataset(found["id"])
    run.cancel()
    clinic.delete_dataset(found["id"])
    assert list(clinic.datasets()) == []
    with pytest.raises(errors.InvalidRequest, match="no column 'z'"):
        clinic.upload(table, target="z")
    with pytest.raises(errors.InvalidSpec) as caught:
        clinic.upload(tmp_path / "own.xlsx")
    assert caught.value.problems[0].value == "own.xlsx"


def test_lists_are_narrowed_by_the_filters_of_the_api(clinic: Clinic) -> None:
    labelled = {"team": "vision"}
    study = clinic.study(EXPERIMENT, seeds=[0], labels=labelled)
    clinic.study(EXPERIMENT, seeds=[0]).cancel()
    assert [found.id for found in clinic.studies(label="team:vision", status="running")] == [study.id]
    search = clinic.prescribe(EXPERIMENT, runs=8, labels=labelled)
    clinic.prescribe(EXPERIMENT, runs=8)
    (found,) = clinic.prescriptions(label="team:vision")
    assert (found.id, found.cure) == (search.id, None)


def test_waiting_has_an_end(clinic: Clinic) -> None:
    with pytest.raises(TimeoutError):
        clinic.run(EXPERIMENT).wait(timeout_s=0)


def test_a_service_that_is_not_there_is_said_so() -> None:
    with Clinic("http://127.0.0.1:1") as clinic, pytest.raises(errors.ServiceUnavailable, match="gradclinic serve"):
        clinic.catalogue()
    with Clinic("clinic.example") as clinic, pytest.raises(errors.ServiceUnavailable, match="http://"):
        clinic.catalogue()


def test_an_identifier_never_leaves_its_place_in_the_address(clinic: Clinic) -> None:
    with pytest.raises(errors.NotFound):
        clinic.get_run("../studies")


def test_the_package_gives_out_nothing_that_it_has_not_got() -> None:
    import gradclinic

    assert {"Clinic", "Experiment", "errors", "remedies"} <= set(dir(gradclinic))
    with pytest.raises(AttributeError, match="prescribe_everything"):
        _ = gradclinic.prescribe_everything


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = "import sys, gradclinic; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert not {"pydantic", "numpy", "httpx", "torch", "scipy"} & set(done.stdout.split())


def test_a_client_alone_loads_nothing_of_the_service() -> None:
    loaded = "import sys, gradclinic; gradclinic.Clinic; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert "httpx" in done.stdout.split()
    assert not {"pydantic", "numpy", "torch", "scipy", "sqlalchemy", "plotly", "psutil"} & set(done.stdout.split())
