"""A fake BigCommerce with any number of stores: their resources, tokens, quota and faults. Usable from any thread."""

import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct

from schemas.records import Document
from simulator.providers.bigcommerce.documents import iso_time, mail_time
from simulator.providers.bigcommerce.notices import Changed, Notice, notices
from simulator.providers.clock import Clock
from simulator.providers.faults import Faults
from simulator.providers.quota import WindowQuota
from simulator.providers.registrations import Registrations
from simulator.providers.store import Store

MODIFIED: Final[Mapping[str, tuple[str, Callable[[datetime], str]]]] = {
    "cart": ("updated_time", iso_time),
    "customer": ("date_modified", iso_time),
    "order": ("date_modified", mail_time),
    "product": ("date_modified", iso_time),
}
"""Where a resource has its update time, and how it is written; other resources have none."""

MAX_SEEN: Final = 200_000


class Seen(Struct, frozen=True):
    """One request that was answered."""

    store: str
    path: str
    query: Mapping[str, str]
    status: int


class FakeBigCommerce:
    """The stores. `app` of `routes` serves them; every change returns the webhooks that BigCommerce would send for it."""

    def __init__(
        self, clock: Clock | None = None, quota: WindowQuota | None = None, faults: Faults | None = None
    ) -> None:
        self.clock = Clock() if clock is None else clock
        self.quota = WindowQuota(self.clock.now) if quota is None else quota
        self.faults = Faults() if faults is None else faults
        self.store = Store(self.clock.now)
        self.hooks = Registrations()
        self.blocked_domains: list[str] = []  # to which no hook sends for a few minutes
        self.has_bare_hooks = False  # replies about hooks without `data`, as BigCommerce's overview shows them
        self.tokens: dict[str, str] = {}
        self.seen: deque[Seen] = deque(maxlen=MAX_SEEN)
        self._lock = threading.RLock()

    def add_store(self, store_hash: str, token: str) -> None:
        """Open a store, or give it another token."""
        self.tokens[store_hash] = token

    def put(self, store_hash: str, kind: str, document: Document, resource_id: str | None = None) -> list[Notice]:
        """Create or replace a resource. Stock has no id of its own: name it `product:variant:location`."""
        with self._lock:
            return self._changed(store_hash, kind, str(resource_id or document["id"]), document)

    def change(self, store_hash: str, kind: str, resource_id: str, fields: Document) -> list[Notice]:
        """Change fields of a resource; its update time is now, in whole seconds."""
        with self._lock:
            before = self.store.get(store_hash, kind, resource_id)
            if before is None:
                raise KeyError(f"no {kind} {resource_id} in {store_hash}")
            field, written = MODIFIED.get(kind, ("", iso_time))
            modified = {field: written(self.clock.now())} if field else {}
            return self._changed(store_hash, kind, resource_id, {**before, **fields, **modified})

    def set_stock(self, store_hash: str, product_id: str, level: int) -> list[Notice]:
        """Change a product's stock and nothing else: whether that moves `date_modified` is not documented; here it does not."""
        with self._lock:
            before = self.store.get(store_hash, "product", product_id)
            if before is None:
                raise KeyError(f"no product {product_id} in {store_hash}")
            sent = self._changed(store_hash, "product", product_id, {**before, "inventory_level": level})
            return [notice for notice in sent if notice.scope == "store/product/inventory/updated"]

    def delete(self, store_hash: str, kind: str, resource_id: str) -> list[Notice]:
        """Delete a resource; an order is archived instead, which its webhook calls `archived`."""
        with self._lock:
            if kind == "order":
                return _archived(self.change(store_hash, kind, resource_id, {"is_deleted": True}))
            return self._changed(store_hash, kind, resource_id, None)

    def paths(self) -> Counter[str]:
        """Return how often each path was answered, whatever the status."""
        return Counter(seen.path for seen in self.seen)

    def _changed(self, store_hash: str, kind: str, resource_id: str, after: Document | None) -> list[Notice]:
        before = self.store.get(store_hash, kind, resource_id)
        if after is None:
            self.store.delete(store_hash, kind, resource_id)
        else:
            self.store.put(store_hash, kind, resource_id, after)
        return notices(store_hash, Changed(kind, resource_id, before, after), self.clock.now())


def _archived(sent: list[Notice]) -> list[Notice]:
    return [
        Notice("store/order/archived", notice.body.replace(b"store/order/updated", b"store/order/archived"))
        for notice in sent
        if notice.scope == "store/order/updated"
    ]
