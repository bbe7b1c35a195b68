"""Whose hook an address belongs to."""

import pytest

from subscriptions.ownership import is_below, is_same, shown_url, source_of

BASE = "https://hooks.example.com/in"


@pytest.mark.parametrize("url", [
    "https://hooks.example.com/in",
    "https://hooks.example.com/in/v1/acme",
    "HTTPS://Hooks.Example.com:443/in/v1/acme/",
    "https://hooks.example.com/in/v1/acme?x=1",
])  # fmt: skip
def test_below_the_base_is_ours(url: str) -> None:
    """Case of the host, the usual port and a slash at the end make no difference."""
    assert is_below(BASE, url)


@pytest.mark.parametrize("url", [
    "https://hooks.example.com/inside/v1/acme",  # no boundary of a segment
    "https://hooks.example.com.evil.test/in/v1/acme",
    "https://hooks.example.com@evil.test/in/v1/acme",
    "https://hooks.example.com:8443/in/v1/acme",
    "http://hooks.example.com/in/v1/acme",
    "https://hooks.example.com/in/../other",
    "https://hooks.example.com/in/%2e%2E/other",
    "https://hooks.example.com\\@evil.test/in",
    "https://hooks.example.com:port/in",
    "https://hooks.example.com/in/v1/\u00e4",
    "arn:aws:events:us-east-1::event-source/in",
    "",
])  # fmt: skip
def test_all_else_is_foreign(url: str) -> None:
    """Another scheme, host, port or segment, and whatever does not plainly lead below the base."""
    assert not is_below(BASE, url)


def test_the_same_address_has_no_query() -> None:
    """What the ingress serves is one path, with or without a slash at its end."""
    assert is_same(f"{BASE}/v1/acme", f"{BASE}/v1/acme/")
    assert not is_same(f"{BASE}/v1/acme", f"{BASE}/v1/acme?copy=1")
    assert not is_same(f"{BASE}/v1/acme", f"{BASE}/v1/acme-2")


def test_source_is_named_by_the_path() -> None:
    """Only /v1/{source} names one."""
    assert source_of(BASE, f"{BASE}/v1/acme") == "acme"
    assert source_of(BASE, f"{BASE}/v2/acme") is None
    assert source_of(BASE, "https://other.test/in/v1/acme") is None


def test_foreign_address_is_shown_without_its_path() -> None:
    """The path of a chat service's address is its password."""
    assert shown_url("https://chat.example/services/T0/B0/secret", "foreign") == "https://chat.example/…"
    assert shown_url("https://user:secret@chat.example/", "foreign") == "an address that is no plain URL"
