"""Tests for simulator/providers/store.py."""

from simulator.providers.clock import Clock
from simulator.providers.store import Store


def test_read_with_lag_shows_what_was() -> None:
    """A reader who lags sees each resource as it was then: not yet there, older, or not yet deleted."""
    clock = Clock()
    store = Store(clock.now)
    store.put("a", "product", "1", {"name": "old"})
    clock.advance(10)
    store.put("a", "product", "1", {"name": "new"})
    clock.advance(10)
    store.delete("a", "product", "1")

    assert store.get("a", "product", "1") is None
    assert store.get("a", "product", "1", lag_s=5) == {"name": "new"}
    assert store.get("a", "product", "1", lag_s=15) == {"name": "old"}
    assert store.get("a", "product", "1", lag_s=25) is None
    assert store.documents("a", "product", lag_s=15) == {"1": {"name": "old"}}
    assert store.documents("a", "product") == {}


def test_accounts_and_kinds_are_apart() -> None:
    """The same id in another account or of another kind is another resource; accounts are known by what they have."""
    store = Store(Clock().now)
    store.put("b", "product", "1", {"name": "lamp"})
    store.put("a", "order", "1", {"status": "new"})

    assert store.get("a", "product", "1") is None
    assert store.get("a", "order", "1") == {"status": "new"}
    assert store.tenants() == ["a", "b"]


def test_stored_document_is_a_copy() -> None:
    """What the writer does with its document afterwards does not reach the store."""
    store = Store(Clock().now)
    document = {"tags": ["new"]}
    store.put("a", "product", "1", document)

    document["tags"].append("sale")

    assert store.get("a", "product", "1") == {"tags": ["new"]}


def test_old_versions_are_forgotten() -> None:
    """A resource that changes all day keeps the versions of ten minutes."""
    clock = Clock()
    store = Store(clock.now)
    for number in range(1_000):
        store.put("a", "product", "1", {"number": number})
        clock.advance(6)

    versions = store._kinds["a", "product"]["1"]  # its memory is what the test is about

    assert len(versions) <= 102
    assert store.get("a", "product", "1", lag_s=590) == {"number": 901}
