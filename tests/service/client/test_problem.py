import pytest

from gradclinic import Clinic, remedies
from gradclinic.kernel import errors

from ..api.examples import EXPERIMENT, experiment


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
