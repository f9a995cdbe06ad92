from ..clinics import clinic, settings

__all__ = ["clinic", "settings"]
