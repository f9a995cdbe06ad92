"""Requests that change what people wrote about a run or a study."""

from typing import Annotated

from pydantic import ConfigDict, Field

from ...kernel.names import MOST_LABELS, Edits, LabelKey, LabelValue, Name, Notes
from ...kernel.spec import Spec


class EditRequest(Spec):
    """Changes of a name, labels and notes, as a JSON Merge Patch (RFC 7396): what is left out stays, null removes."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "sigmoid, twelve layers", "labels": {"team": "vision", "draft": None}}]
        }
    )

    name: Name | None = None
    """For people."""
    labels: Annotated[dict[LabelKey, LabelValue | None], Field(max_length=MOST_LABELS)] = Field(default_factory=dict)
    """Labels that are added or changed; null removes one."""
    notes: Notes | None = None
    """Text for people, with line breaks."""

    def edits(self) -> Edits:
        """What the request changes."""
        found: Edits = {}
        if "name" in self.model_fields_set:
            found["name"] = self.name
        if "labels" in self.model_fields_set:
            found["labels"] = self.labels
        if "notes" in self.model_fields_set:
            found["notes"] = self.notes
        return found
