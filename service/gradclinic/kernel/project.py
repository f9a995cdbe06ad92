"""Projects: each stored resource belongs to one, and a key reads and changes those of its own project only."""

import re

from .errors import InvalidRequest
from .names import NAME_PATTERN

DEFAULT = "default"
"""The project of all resources where no keys are required, and of everything stored before there were projects."""
MOST_CHARACTERS = 64
PROJECT_HEADER = "X-Project"
"""The header with which a request of an admin names another project than that of its key."""
PROJECT_VARIABLE = "GRADCLINIC_PROJECT"
"""The environment variable from which the client, the command line and the recorder take the project to name."""


def is_project(name: str) -> bool:
    """Whether a text can be the name of a project."""
    return len(name) <= MOST_CHARACTERS and re.fullmatch(NAME_PATTERN, name) is not None


def checked(name: str) -> str:
    """The name of a project as given; raises InvalidRequest if it cannot be one."""
    if not is_project(name):
        raise InvalidRequest.at(
            "",
            "this is no name of a project",
            value=name[:200],
            allowed=f"1 to {MOST_CHARACTERS} letters, digits, '.', '_' and '-', with a letter or digit first",
        )
    return name
