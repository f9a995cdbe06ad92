"""Hooks that leave their modules while nobody needs them: torch calls a module without hooks by a much shorter way."""

from collections.abc import Callable
from typing import Any

from torch.utils.hooks import RemovableHandle


class PausableHooks:
    """The hooks of several modules."""

    def __init__(self) -> None:
        self._handles: list[RemovableHandle] = []
        self._paused: list[tuple[RemovableHandle, Callable[..., Any]]] = []

    def add(self, *handles: RemovableHandle) -> None:
        """Pause these hooks with the others from now on."""
        self._handles += handles

    @property
    def are_paused(self) -> bool:
        """Whether they are out of their modules."""
        return bool(self._paused)

    def pause(self) -> None:
        """Take all hooks out."""
        for handle in self._handles:
            hooks = handle.hooks_dict_ref()
            if hooks is not None and handle.id in hooks:
                self._paused.append((handle, hooks.pop(handle.id)))

    def go_on(self) -> None:
        """Put them back where they were: before the hooks that were registered after them."""
        for handle, hook in self._paused:
            hooks = handle.hooks_dict_ref()
            if hooks is None:
                continue
            hooks[handle.id] = hook
            for later in [key for key in hooks if key > handle.id]:
                hooks.move_to_end(later)
        self._paused.clear()

    def remove(self) -> None:
        """Remove all hooks for good."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._paused.clear()
