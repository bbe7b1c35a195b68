"""The webhooks that are registered at a fake provider, by account or place, and what the provider does to them unasked."""

import itertools
import threading
from collections.abc import Callable, Iterable

from schemas.records import Document


class Registrations:
    """Hooks as the provider stores them, their secrets included. Usable from any thread."""

    def __init__(self, first_id: int = 18_048_287) -> None:
        self._numbers = itertools.count(first_id)
        self._hooks: dict[str, dict[str, Document]] = {}
        self._lock = threading.Lock()

    def add(self, place: str, made: Callable[[int], Document]) -> Document:
        """Store a hook, which is made from its number, and return it."""
        with self._lock:
            number = next(self._numbers)
            hook = made(number)
            self._hooks.setdefault(place, {})[str(hook["id"])] = hook
            return dict(hook)

    def all(self, place: str) -> list[Document]:
        """Return the hooks of a place, the oldest first."""
        with self._lock:
            return [dict(hook) for hook in self._hooks.get(place, {}).values()]

    def get(self, place: str, hook_id: str) -> Document | None:
        """Return a hook."""
        with self._lock:
            hook = self._hooks.get(place, {}).get(hook_id)
            return None if hook is None else dict(hook)

    def change(self, place: str, hook_id: str, fields: Document, without: Iterable[str] = ()) -> Document | None:
        """Change fields of a hook and remove others; None if there is no such hook."""
        with self._lock:
            hook = self._hooks.get(place, {}).get(hook_id)
            if hook is None:
                return None
            hook.update(fields)
            for name in without:
                hook.pop(name, None)
            return dict(hook)

    def vanish(self, place: str, hook_id: str) -> Document | None:
        """Delete a hook, as its owner does, or the provider after too many failures; None if there is no such hook."""
        with self._lock:
            return self._hooks.get(place, {}).pop(hook_id, None)
