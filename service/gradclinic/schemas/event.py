"""Events, as they are returned."""

from .base import Answer, Json


class EventAnswer(Answer):
    """Something that happened to a run or a study."""

    id: str
    """How far its reader is; ask again with `after` this id for what follows."""
    event: str
    data: Json


class EventPage(Answer):
    """What has happened so far, after the id asked for."""

    items: list[EventAnswer]
    last_id: str
    """Ask again with `after` this id."""
    done: bool
    """Whether nothing more will follow."""
