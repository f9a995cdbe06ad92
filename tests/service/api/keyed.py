"""A service that requires keys, and a client for each scope."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from gradclinic.kernel.access import SCOPES, Scope
from gradclinic.settings import Settings
from gradclinic.store import Store

from .serving import serving


@dataclass(frozen=True)
class Keyed:
    """The API without a key, the store behind it, and a key of each scope."""

    api: httpx.Client
    store: Store
    keys: Mapping[Scope, str]

    def header(self, scope: Scope) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[scope]}"}

    def header_of(self, project: str, scope: Scope = "manage") -> dict[str, str]:
        """A new key of another project."""
        return {"Authorization": f"Bearer {self.store.keys.create(project, scope=scope, project=project).text}"}


@contextmanager
def keyed(settings: Settings) -> Iterator[Keyed]:
    store = Store(settings.database_url)
    keys = {scope: store.keys.create(f"the one that may {scope}", scope=scope).text for scope in SCOPES}
    try:
        with serving(settings.model_copy(update={"access": "required"})) as api:
            yield Keyed(api, store, keys)
    finally:
        store.close()
