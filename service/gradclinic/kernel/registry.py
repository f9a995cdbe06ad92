"""Finds the modules of a folder and joins the classes they define in one tagged union.

One new file is enough: whatever defines a concrete subclass in the folder is in the union, hence
in the API's schema, in the catalogue and in the conformance tests.
"""

import importlib
import pkgutil
from typing import Annotated, Any, TypeVar, Union

from pydantic import BaseModel, Field

Base = TypeVar("Base", bound=BaseModel)


def members(package: str, base: type[Base], *, tag: str = "kind") -> dict[str, type[Base]]:
    """Every concrete subclass of `base` that the modules of `package` define, by its tag's literal value.

    In the order of the class attribute `rank` where there is one (the advice's own order), then by name.
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
                raise TypeError(f"{package}: {tag} {name!r} is defined by {found[name]} and by {value}")
            found[name] = value
    return dict(sorted(found.items(), key=lambda item: (getattr(item[1], "rank", None) or 10**6, item[0])))


def tag_of(cls: type[BaseModel], *, tag: str = "kind") -> str | None:
    """The literal value of a class's tag field; None for an abstract base."""
    field = cls.model_fields.get(tag)
    default = field.default if field is not None else None
    return default if isinstance(default, str) else None


def tagged_union(classes: dict[str, type[Base]], *, tag: str = "kind") -> Any:
    """One pydantic type that accepts any of `classes`, told apart by `tag`."""
    types = tuple(classes.values())
    if len(types) == 1:
        return types[0]
    return Annotated[Union[types], Field(discriminator=tag)]  # noqa: UP007  # built at run time
