"""User-given names and labels, and names that are part of a URL."""

from typing import Annotated

from pydantic import Field, StringConstraints

_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""Names of baselines and schedules, which are part of their URLs."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_PRINTABLE)]
LabelKey = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=_PRINTABLE)]
LabelValue = Annotated[str, StringConstraints(max_length=200, pattern=_PRINTABLE)]
Labels = Annotated[dict[LabelKey, LabelValue], Field(max_length=50)]
AddressName = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=NAME_PATTERN)]
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_]+$")]
"""Identifier of a run, a study or a check."""
