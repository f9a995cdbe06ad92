"""The Python client: submit runs and studies over HTTP, and wait for their results.

    from gradclinic import Clinic, Experiment, remedies

    clinic = Clinic("http://127.0.0.1:8000")          # or Clinic.local(): an embedded server
    study = clinic.study(experiment, arms={"relu": [remedies.SwapActivation(activation="relu")]}, seeds=range(5))
    study.wait()
    print(study.comparison())

A rejected request raises the same error as in the service (`gradclinic.errors`), with the location, the value and what
is allowed. If the service does not respond, ServiceUnavailable is raised.
"""

from .check import Check
from .clinic import DEFAULT_URL, URL_VARIABLE, Clinic
from .comparison import ComparisonResult
from .prescription import Prescription
from .run import Run
from .study import Study

__all__ = [
    "DEFAULT_URL",
    "URL_VARIABLE",
    "Check",
    "Clinic",
    "ComparisonResult",
    "Prescription",
    "Run",
    "Study",
]
