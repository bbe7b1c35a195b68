"""What version 0.1 left: recognised by its keys without a tenant, and refused with one sentence."""

from types import SimpleNamespace
from typing import Any

import pytest

from schemas import codec
from schemas.records import RawDelivery, resource_key
from streams.errors import Fatal
from streams.state.restore import _Changelog, _check_keys
from streams.steps.child_index import INDEX
from streams.worker.batch import decide
from tests.support.builders.deliveries import START

CHANGELOG = _Changelog("penstock.capture.latest-changelog", "id", 9)


def headers(*left_out: str) -> codec.Headers:
    """Return the headers of a delivery on `webhooks.raw`, without some of them."""
    delivery = RawDelivery("d-1", "shopify", "acme", "products/update", START, "shopify|acme|product|7", b"{}")
    return [(name, value) for name, value in codec.raw_headers(delivery) if name not in left_out]


@pytest.mark.parametrize(("left_out", "is_old"), [((), False), (("penstock_tenant",), True)])
def test_delivery_without_a_tenant_header_is_of_version_01(left_out: tuple[str, ...], is_old: bool) -> None:
    """This version always writes the header, if empty."""
    delivery = codec.raw_delivery(b"shopify|acme|product|7", b"{}", headers(*left_out), ("webhooks.raw", 0, 5))

    assert (delivery.is_old, delivery.tenant) == (is_old, "")


def test_record_of_another_producer_is_not_taken_for_an_old_one() -> None:
    """It ends as a dead letter, and does not stop the worker."""
    assert not codec.raw_delivery(None, None, None, ("webhooks.raw", 0, 5)).is_old


def test_worker_refuses_old_deliveries() -> None:
    """Decided as a delivery without a tenant, it would make another resource."""
    delivery = codec.raw_delivery(b"k", b"{}", headers("penstock_tenant"), ("webhooks.raw", 3, 5))
    batch: Any = SimpleNamespace()

    with pytest.raises(Fatal, match=r"webhooks\.raw/3/5 was received by Penstock 0\.1.*Upgrading"):
        decide(delivery, batch)


@pytest.mark.parametrize("key", [b"shopify|acme|product|7", b"shopify|acme|product|7\0v5", b"github|acme|ref|main"])
def test_changelog_of_version_01_is_refused(key: bytes) -> None:
    """The tables of both versions have such keys; the others in the batch may be child indexes."""
    with pytest.raises(Fatal, match=r"latest-changelog was written by Penstock 0\.1.*another \[worker\] app"):
        _check_keys(CHANGELOG, [(INDEX + b"k", b"", 0), (key, b"row", 0)])


def test_changelog_of_this_version_is_read() -> None:
    """Whatever the id contains."""
    keys = [resource_key("shopify", "acme", tenant, "product", "a|b").encode() for tenant in ("", "shop")]

    _check_keys(CHANGELOG, [(key + tag, b"row", 0) for key in keys for tag in (b"", b"\0v5", b"\0dx|y")])
