"""Who logs in, and what their groups let them do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...kernel.access import Grant, covers
from ...settings import GroupRole

EVERYONE = "*"


@dataclass(frozen=True)
class Identity:
    """A person, as the provider says."""

    subject: str
    """SHA-256 of the issuer and the person's identifier there, which never changes."""
    name: str
    groups: Sequence[str]


def grants_of(groups: Iterable[str], roles: Iterable[GroupRole]) -> Sequence[Grant]:
    """What the members of these groups may do: in each project, the largest scope; in the order of the roles."""
    found: dict[str, Grant] = {}
    mine = {EVERYONE, *groups}
    for role in roles:
        before = found.get(role.project)
        if role.group in mine and (before is None or covers(role.scope, before.scope)):
            found[role.project] = Grant(role.project, role.scope)
    return list(found.values())
