import pytest

from gradclinic.client import Clinic
from gradclinic.settings import Settings

from ..api.examples import HEALTHY
from ..api.serving import train
from ..clinics import clinic, settings

__all__ = ["clinic", "settings"]


@pytest.fixture
def study(clinic: Clinic, settings: Settings) -> str:
    made = clinic.study(HEALTHY, seeds=range(5))
    train(settings, *(run.id for run in made.runs()))
    return made.id
