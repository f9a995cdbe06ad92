from ...cli.conftest import study
from ...clinics import clinic, settings

__all__ = ["clinic", "settings", "study"]
