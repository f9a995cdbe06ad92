import subprocess
import sys

import pytest

from gradclinic import Clinic
from gradclinic.kernel import errors
from gradclinic.settings import Settings

from ..api.examples import EXPERIMENT
from ..api.keyed import keyed


def test_lists_are_narrowed_by_the_filters_of_the_api(clinic: Clinic) -> None:
    labelled = {"team": "vision"}
    study = clinic.study(EXPERIMENT, seeds=[0], labels=labelled)
    clinic.study(EXPERIMENT, seeds=[0]).cancel()
    assert [found.id for found in clinic.studies(label="team:vision", status="running")] == [study.id]
    search = clinic.prescribe(EXPERIMENT, runs=16, labels=labelled)
    clinic.prescribe(EXPERIMENT, runs=16)
    (found,) = clinic.prescriptions(label="team:vision")
    assert (found.id, found.cure) == (search.id, None)


def test_a_service_that_is_not_there_is_said_so() -> None:
    with Clinic("http://127.0.0.1:1") as clinic, pytest.raises(errors.ServiceUnavailable, match="gradclinic serve"):
        clinic.catalogue()
    with Clinic("clinic.example") as clinic, pytest.raises(errors.InvalidRequest, match="http://HOST"):
        clinic.catalogue()


def test_a_key_is_sent_where_one_is_required(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with keyed(settings) as service:
        url = str(service.api.base_url)
        monkeypatch.delenv("GRADCLINIC_API_KEY", raising=False)
        with Clinic(url) as clinic, pytest.raises(errors.KeyRequired, match="GRADCLINIC_API_KEY"):
            list(clinic.runs())
        with Clinic(url, api_key=service.keys["read"]) as clinic:
            assert list(clinic.runs()) == []
            with pytest.raises(errors.Forbidden, match="the scope run"):
                clinic.run(EXPERIMENT)
        monkeypatch.setenv("GRADCLINIC_API_KEY", service.keys["run"])
        with Clinic(url) as clinic:
            run = clinic.run(EXPERIMENT)
            for shown in (clinic, clinic.connection, clinic.connection._http.headers, run, vars(clinic)):
                assert service.keys["run"].split(".")[1] not in repr(shown)


def test_a_malformed_key_is_refused_before_anything_is_sent_and_is_not_shown() -> None:
    for key in ("no-key", "key_1.se\nhidden", "key_1.séhidden"):
        with pytest.raises(errors.InvalidRequest, match="malformed") as refused:
            Clinic("http://127.0.0.1:1", api_key=key)
        assert "hidden" not in str(refused.value)


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
