"""Imports the modules of a folder and joins the classes they define in a tagged union.

To add a kind, add one file: every concrete subclass in the folder joins the union, and so
the API's schema, the catalogue and the conformance tests.
"""

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar, Union

from pydantic import BaseModel, BeforeValidator, Field, PlainSerializer, WithJsonSchema

Base = TypeVar("Base", bound=BaseModel)


def members(package: str, base: type[Base], *, tag: str = "kind") -> dict[str, type[Base]]:
    """All concrete subclasses of `base` in the modules of `package`, by the literal value of their tag.

    Ordered by the class attribute `rank` if there is one, then by name.
    """
    found: dict[str, type[Base]] = {}
    path = importlib.import_module(package).__path__
    for module_info in pkgutil.iter_modules(path):
        module = importlib.import_module(f"{package}.{module_info.name}")
        for value in vars(module).values():
            if not (isinstance(value, type) and issubclass(value, base) and value.__module__ == module.__name__):
                continue
            name = tag_of(value, tag=tag)
            if name is None:
                continue
            if name in found:
                raise TypeError(f"{package}: {tag} {name!r} is defined by both {found[name]} and {value}")
            found[name] = value
    return dict(sorted(found.items(), key=lambda item: (getattr(item[1], "rank", None) or 10**6, item[0])))


def tag_of(cls: type[BaseModel], *, tag: str = "kind") -> str | None:
    """The literal value of a class's tag field; None for an abstract base class."""
    field = cls.model_fields.get(tag)
    default = field.default if field is not None else None
    return default if isinstance(default, str) else None


def tagged_union(classes: dict[str, type[Base]], *, tag: str = "kind") -> Any:
    """One pydantic type that accepts any of `classes`, selected by `tag`."""
    types = tuple(classes.values())
    if len(types) == 1:
        return types[0]
    return Annotated[Union[types], Field(discriminator=tag)]  # noqa: UP007  # built at runtime


def named_union(classes: Mapping[str, type[Base]]) -> Any:
    """The same for classes with the tag `name`; of one without parameters, JSON is the name alone (`"relu"`)."""

    def named(value: object) -> object:
        return {"name": value} if isinstance(value, str) else value

    def shortest(value: Base) -> object:
        parameters = value.model_dump(mode="json", exclude_defaults=True)
        name = value.model_dump(mode="json", include={"name"})
        return name | parameters if parameters else name["name"]

    objects = [cls.model_json_schema() for cls in classes.values()]
    return Annotated[
        tagged_union(dict(classes), tag="name"),
        BeforeValidator(named),
        PlainSerializer(shortest),
        WithJsonSchema({"anyOf": [{"type": "string", "enum": list(classes)}, *objects]}),
    ]
