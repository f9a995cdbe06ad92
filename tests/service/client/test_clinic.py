import subprocess
import sys

import pytest

from gradclinic import Clinic
from gradclinic.kernel import errors

from ..api.examples import EXPERIMENT


def test_lists_are_narrowed_by_the_filters_of_the_api(clinic: Clinic) -> None:
    labelled = {"team": "vision"}
    study = clinic.study(EXPERIMENT, seeds=[0], labels=labelled)
    clinic.study(EXPERIMENT, seeds=[0]).cancel()
    assert [found.id for found in clinic.studies(label="team:vision", status="running")] == [study.id]
    search = clinic.prescribe(EXPERIMENT, runs=8, labels=labelled)
    clinic.prescribe(EXPERIMENT, runs=8)
    (found,) = clinic.prescriptions(label="team:vision")
    assert (found.id, found.cure) == (search.id, None)


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
    loaded = "import sys, gradclinic; gradclinic.Clinic; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    modules = done.stdout.split()
    assert "httpx" in modules
    assert not {"torch", "numpy", "scipy", "sqlalchemy", "fastapi", "plotly", "psutil"} & set(modules)
    assert {name.split(".")[1] for name in modules if name.startswith("gradclinic.")} == {"client", "kernel", "schemas"}
