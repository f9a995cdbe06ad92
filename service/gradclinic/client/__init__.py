"""The Python client: runs and studies over HTTP, as objects that can be waited for.

    from gradclinic import Clinic, Experiment, remedies

    clinic = Clinic("http://127.0.0.1:8000")          # or Clinic.local(): a service of its own, ended with it
    study = clinic.study(experiment, arms={"relu": [remedies.SwapActivation(activation="relu")]}, seeds=range(5))
    study.wait()
    print(study.comparison())

A refused request raises the same error that the service met (`gradclinic.errors`), with the place, the value and
what is allowed; a service that does not answer raises ServiceUnavailable.
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
