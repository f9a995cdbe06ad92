"""A form made from the JSON schema of a request, so that what the schema gains appears by itself.

fields_of(schema, body)            # the fields of a request, with the problems found in it
changed(schema, body, submitted)   # the request after the fields that a browser sent
"""

from .changes import changed, is_text
from .fields import Field, Option, fields_of

__all__ = ["Field", "Option", "changed", "fields_of", "is_text"]
