import io

from rich.console import Console

from gradclinic.schemas.event import RunEndedEvent
from gradclinic.text.progress import following


def ended(point):
    data = {"run_id": "run_1", "arm": "relu", "seed": 3, "status": "succeeded", "primary": "slow_convergence"}
    return RunEndedEvent.model_validate({"id": "1.0.0", "event": "run", "data": {**data, "sweep_point": point}})


def said(*events):
    written = io.StringIO()
    with following(Console(file=written), what="study_1", steps=10, runs=len(events)) as follow:
        for event in events:
            follow(event)
    return written.getvalue().splitlines()


def test_a_run_that_ended_is_told_with_its_point_of_the_sweep():
    assert said(ended({"/optimizer/learning_rate": 0.1, "/model/depth": 4}), ended(None)) == [
        "  1/2  relu at learning_rate 0.1, depth 4, seed 3: slow convergence",
        "  2/2  relu, seed 3: slow convergence",
    ]
