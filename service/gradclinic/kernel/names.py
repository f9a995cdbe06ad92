"""User-given names, labels and notes, and names that are part of a URL."""

from collections.abc import Mapping
from typing import Annotated, TypedDict

from pydantic import Field, StringConstraints

_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""Names of baselines, schedules and webhooks, which are part of their URLs."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_PRINTABLE)]
LabelKey = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=_PRINTABLE)]
LabelValue = Annotated[str, StringConstraints(max_length=200, pattern=_PRINTABLE)]
MOST_LABELS = 50
Labels = Annotated[dict[LabelKey, LabelValue], Field(max_length=MOST_LABELS)]
Notes = Annotated[str, StringConstraints(max_length=10_000, pattern=r"^[^\x00]*$")]
AddressName = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=NAME_PATTERN)]
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_]+$")]
"""Identifier of a run, a study or a check."""


class Edits(TypedDict, total=False):
    """Changes of what people write about a run or a study; what is left out stays as it is."""

    name: str | None
    labels: Mapping[str, str | None]
    """Labels that are added or changed; None removes one."""
    notes: str | None
