"""Generic senders: every option, and the paths into the body."""

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.base import Parsed, Refused, Sample, SignedRequest, Verified
from providers.generic import Generic, GenericOptions
from providers.registry import PROVIDERS, provider
from schemas.records import Snapshot
from tests.support.builders.provider_requests import NOW, raw_delivery

_SCHEMES: list[Any] = list(itertools.product(["", "sha256=", "v0:"], ["hex", "base64"], ["sha256", "sha512"]))


@given(scheme=st.sampled_from(_SCHEMES), body=st.binary(max_size=50), secret=st.binary(min_size=1))
def test_what_is_signed_is_verified(scheme: tuple[str, Any, Any], body: bytes, secret: bytes) -> None:
    """Every combination of prefix, encoding and algorithm."""
    prefix, encoding, algorithm = scheme
    generic = Generic(GenericOptions("X-My-Signature", prefix, encoding, algorithm))
    request = SignedRequest(generic.sign(Sample(body, "order.updated", "1", NOW), secret), body)

    assert "x-my-signature" in request.headers
    assert generic.verify(request, [secret], NOW) == Verified(secret_index=0)


@pytest.mark.parametrize(
    ("prefix", "header", "reason"),
    [
        ("sha256=", "", "malformed_signature"),
        ("sha256=", "00" * 32, "malformed_signature"),  # the required prefix is missing
        ("sha256=", "SHA256=" + "00" * 32, "malformed_signature"),
        ("sha256=", "sha256=" + "00" * 31, "malformed_signature"),
        ("sha256=", "sha256=" + "zz" * 32, "malformed_signature"),
        ("sha256=", "sha256=" + "00" * 32, "wrong_signature"),
        ("", "sha256=" + "00" * 32, "malformed_signature"),
        ("", "00" * 32, "wrong_signature"),
    ],
)
def test_prefix_is_required_exactly_as_configured(prefix: str, header: str, reason: str) -> None:
    """A sender configured with a prefix must write it, one without must not."""
    generic = Generic(GenericOptions(prefix=prefix))

    verdict = generic.verify(SignedRequest({"x-webhook-signature": header}, b"{}"), [b"secret"], NOW)

    assert isinstance(verdict, Refused)
    assert verdict.reason == reason


@pytest.mark.parametrize(
    ("options", "event", "document", "resource"),
    [
        (GenericOptions(), "order.updated", {"id": 7}, "order|7"),
        (GenericOptions(), "", {"id": 7}, "unknown|7"),
        (GenericOptions(), "order.updated", {"id": None}, "order|delivery-1"),
        (GenericOptions(id_path="entry.key", type_path="entry.kind"), "x", {"entry": {"key": "k", "kind": "Line Item"}},
         "line_item|k"),
        (GenericOptions(id_path="entry.key", type_path="entry.kind"), "a.b", {"entry": [1]}, "a|delivery-1"),
        (GenericOptions(id_path="order-id"), "order.updated", {"order-id": "a|b"}, "order|a|b"),
        (GenericOptions(id_path=""), "order.updated", {"": 1, "id": 2}, "order|delivery-1"),
    ],
)  # fmt: skip
def test_resource_lies_at_the_configured_paths(
    options: GenericOptions, event: str, document: dict[str, Any], resource: str
) -> None:
    """The ingress's key is that of the resource that `parse` finds."""
    snapshot, key = _read(options, event, document)

    assert key == f"generic|acme|{resource}"
    assert f"{snapshot.resource_type}|{snapshot.resource_id}" == resource
    assert snapshot.document == document


def test_update_time_is_the_version() -> None:
    """The path may lead deep; its field alone is no change."""
    options = GenericOptions(time_path="changed")
    snapshot, _ = _read(options, "order.updated", {"id": 7, "changed": "2026-01-31T12:00:00.123456Z"})

    assert (snapshot.version, snapshot.volatile) == (NOW, frozenset({"changed"}))


def test_deletion_is_told_by_the_event() -> None:
    """A deletion needs an id, for there is nothing else to delete."""
    assert _read(GenericOptions(), "order.deleted", {"id": 7})[0].is_deleted
    assert not _read(GenericOptions(), "order.deleted", {})[0].is_deleted


def test_options_are_validated() -> None:
    """A misspelt option in penstock.toml is an error, not a default."""
    with pytest.raises(msgspec.ValidationError, match="sha1"):
        msgspec.convert({"algorithm": "sha1"}, GenericOptions)
    with pytest.raises(msgspec.ValidationError, match="prefx"):
        msgspec.convert({"prefx": ""}, GenericOptions)


@pytest.mark.parametrize("name", PROVIDERS)
def test_registry_knows_every_provider_once(name: str) -> None:
    """One value per name, with its own name."""
    assert provider(name) is provider(name)
    assert provider(name).name == name


def test_unknown_provider_lists_the_known() -> None:
    """The message is for the person writing penstock.toml."""
    with pytest.raises(ValueError, match="one of shopify, bigcommerce, github, stripe, shopery, standard, generic"):
        provider("shopfy")
    with pytest.raises(ValueError, match="generic only"):
        provider("shopify", GenericOptions())


def _read(options: GenericOptions, event: str, document: dict[str, Any]) -> tuple[Snapshot, str]:
    generic = Generic(options)
    body = msgspec.json.encode(document)
    request = SignedRequest(generic.sign(Sample(body, event, "delivery-1", NOW), b"secret"), body)
    envelope = generic.identify("acme", request)
    parsed = generic.parse(raw_delivery("generic", envelope, request))
    assert isinstance(parsed, Parsed)
    return parsed.snapshots[0], envelope.key
