"""The resources of a fake provider: one store for what its API answers and what its webhooks tell.

It keeps what each resource was during the last minutes, so that a list can be older than a read, and a read older than the
webhook that announced it. Usable from any thread.
"""

import copy
import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from msgspec import Struct

from schemas.records import Document

HISTORY: Final = timedelta(minutes=10)  # how far back a reader may look


class Version(Struct, frozen=True):
    """What a resource was from a time on: None once deleted."""

    document: Document | None
    since: datetime


class Store:
    """Documents by account (tenant), kind and id; ids are texts. The documents that it returns must not be modified."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = threading.RLock()
        self._kinds: defaultdict[tuple[str, str], dict[str, list[Version]]] = defaultdict(dict)

    def put(self, tenant: str, kind: str, resource_id: str, document: Document) -> None:
        """Create or replace a resource."""
        self._write(tenant, kind, resource_id, copy.deepcopy(document))

    def delete(self, tenant: str, kind: str, resource_id: str) -> None:
        """Delete a resource, if it exists."""
        self._write(tenant, kind, resource_id, None)

    def get(self, tenant: str, kind: str, resource_id: str, lag_s: float = 0.0) -> Document | None:
        """Return a resource as it was `lag_s` ago, None if it did not exist then."""
        with self._lock:
            return self._at(self._kinds[tenant, kind].get(resource_id, []), self._now() - timedelta(seconds=lag_s))

    def documents(self, tenant: str, kind: str, lag_s: float = 0.0) -> dict[str, Document]:
        """Return all resources of a kind as they were `lag_s` ago, by id, in the order of their creation."""
        with self._lock:
            then = self._now() - timedelta(seconds=lag_s)
            found = (
                (resource_id, self._at(versions, then)) for resource_id, versions in self._kinds[tenant, kind].items()
            )
            return {resource_id: document for resource_id, document in found if document is not None}

    def tenants(self) -> list[str]:
        """Return the accounts that have or had a resource."""
        with self._lock:
            return sorted({tenant for tenant, _ in self._kinds})

    def _write(self, tenant: str, kind: str, resource_id: str, document: Document | None) -> None:
        with self._lock:
            now, resources = self._now(), self._kinds[tenant, kind]
            versions = [*_recent(resources.get(resource_id, []), now - HISTORY), Version(document, now)]
            resources[resource_id] = versions

    @staticmethod
    def _at(versions: list[Version], then: datetime) -> Document | None:
        for version in reversed(versions):
            if version.since <= then:
                return version.document
        return None


def _recent(versions: list[Version], horizon: datetime) -> list[Version]:
    """Return the versions that a reader who looks back to the horizon can still see."""
    seen = [version for version, following in pairwise(versions) if following.since > horizon]
    return [*seen, *versions[-1:]]
