"""dj-stripe's captured events, and every object of Stripe's own fixtures wrapped in an event: all are parsed."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from providers.base import Parsed, Sample, SignedRequest
from providers.stripe.names import SINGLETONS, WITHIN
from providers.stripe.provider import Stripe
from schemas.records import Snapshot, resource_key
from tests.support.builders.corpora import corpora, read_corpus
from tests.support.builders.payload_mutations import mutated
from tests.support.builders.properties import examples
from tests.support.builders.provider_requests import NOW, raw_delivery

EVENT_COUNT = 11
RESOURCE_COUNT = 50 + 175  # dj-stripe's objects and OpenAPI's, without untyped ones and lists
ACCOUNT = "acct_1PgafTB7WZ01zgkW"

# Objects that the fixtures show without an id: those that a customer has one of, those that an account has one of, and those
# whose id is unique only within another object. Any other object without an id is an occurrence, named by its event.
OWNED_BY_CUSTOMER = {"billing.credit_balance_summary", "cash_balance", "discount"} | {
    "entitlements.active_entitlement_summary"
}
# Ids chosen by the merchant, or of another account's object: unique within one account only.


def _events() -> list[tuple[str, dict[str, Any]]]:
    files = sorted((corpora() / "stripe/dj-stripe/tests/fixtures").glob("event_*.json"))
    return [(file.stem, msgspec.json.decode(file.read_bytes())) for file in files]


def _resources() -> list[tuple[str, dict[str, Any]]]:
    files = sorted((corpora() / "stripe/dj-stripe/tests/fixtures").glob("*.json"))
    captured = [(file.stem, msgspec.json.decode(file.read_bytes())) for file in files if "event_" not in file.stem]
    official = read_corpus("stripe/openapi-fixtures/openapi/fixtures3.json")["resources"]
    named = [*captured, *sorted(official.items())]
    return [(name, resource) for name, resource in named if resource.get("object") not in (None, "list", "event")]


EVENTS = _events()
RESOURCES = _resources()
EVENT_TYPES = (corpora() / "stripe/EVENT_TYPES.txt").read_text().split()


WRAPPED = [
    {"id": "evt_1", "type": "thing.updated", "created": 1_769_860_800, "data": {"object": resource}}
    for _, resource in RESOURCES[::7]
]
THIN = [
    {
        "id": "evt_1",
        "object": "v2.core.event",
        "type": "v1.billing.meter.no_meter_found",
        "created": "2026-01-31T12:00:00Z",
    },
    {
        "id": "evt_1",
        "object": "v2.core.event",
        "type": "v2.core.account.updated",
        "created": "2026-01-31T12:00:00.123Z",
        "related_object": {"id": "acct_1", "type": "v2.core.account", "url": "/v2/core/accounts/acct_1"},
    },
]


def test_all_events_and_resources_are_here() -> None:
    """A corpus that lost files would make the tests below pass by testing less."""
    assert (len(EVENTS), len(RESOURCES)) == (EVENT_COUNT, RESOURCE_COUNT)


@pytest.mark.parametrize(("name", "event"), EVENTS, ids=[name for name, _ in EVENTS])
def test_captured_event_names_its_object(name: str, event: dict[str, Any]) -> None:
    """A Connect event is about its object, and the account and mode are its tenant."""
    stripe_object = event["data"]["object"]
    expected = stripe_object["id"]

    key, snapshot = _read(event)

    assert (snapshot.resource_type, snapshot.resource_id) == (stripe_object["object"], expected)
    assert key == resource_key("stripe", "acme", _tenant(event), stripe_object["object"], expected)
    assert snapshot.is_deleted is (event["type"].endswith((".deleted", ".deauthorized")))


@pytest.mark.parametrize(("name", "resource"), RESOURCES, ids=[name for name, _ in RESOURCES])
@pytest.mark.parametrize("account", [None, ACCOUNT])
def test_resource_in_an_event_keeps_its_id(name: str, resource: dict[str, Any], account: str | None) -> None:
    """For any kind of object in an event, the resource's id is the object's, or a documented substitute where it has none."""
    event = _event(f"{resource['object']}.updated", resource) | ({"account": account} if account else {})

    key, snapshot = _read(event)

    expected = _expected_id(resource)
    assert (snapshot.resource_type, snapshot.resource_id) == (resource["object"].replace(".", "_"), expected)
    assert key == resource_key("stripe", "acme", _tenant(event), snapshot.resource_type, expected)
    assert snapshot.is_deleted is (bool(resource.get("deleted")) and expected != "evt_1")  # an occurrence is never gone
    assert snapshot.is_deleted or snapshot.document is not None


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_every_event_type_is_an_update_unless_its_object_is_gone(event_type: str) -> None:
    """Among types that end in .deleted, only a subscription's is no deletion: the cancelled subscription stays."""
    event = _event(event_type, {"id": "obj_1", "object": "thing"})

    _, snapshot = _read(event)

    gone = event_type.endswith(".deleted") and event_type != "customer.subscription.deleted"
    assert snapshot.is_deleted is (gone or event_type == "account.application.deauthorized")
    assert (snapshot.document is None) is snapshot.is_deleted


@pytest.mark.parametrize("event_type", [each for each in EVENT_TYPES if each.endswith(".created")])
def test_creation_is_the_first_of_its_second(event_type: str) -> None:
    """For every type of object, those without a life cycle included: any other event of that second replaces it."""
    thing = {"id": "obj_1", "object": "thing", "status": "paid"}

    _, created = _read(_event(event_type, thing))
    _, updated = _read(_event(event_type.replace(".created", ".updated"), thing))

    assert created.state_rank < updated.state_rank


@settings(max_examples=examples(500), deadline=None)
@given(event=mutated([*(event for _, event in EVENTS), *WRAPPED, *THIN]))
def test_mutated_event_is_identified_and_parsed_alike(event: Any) -> None:
    """For any value in any position nothing raises, and `identify` and `parse` name the same resource, or none."""
    request = _request(msgspec.json.encode(event))

    envelope = Stripe().identify("acme", request)
    parsed = Stripe().parse(raw_delivery("stripe", envelope, request))

    assert envelope.delivery_id
    if isinstance(parsed, Parsed):
        root = parsed.snapshots[0]
        assert envelope.key == resource_key("stripe", "acme", envelope.tenant, root.resource_type, root.resource_id)
    else:
        assert envelope.key == envelope.delivery_id


@pytest.mark.parametrize(("name", "resource"), RESOURCES, ids=[name for name, _ in RESOURCES])
def test_objects_without_id_and_owner_are_apart(name: str, resource: dict[str, Any]) -> None:
    """Of whatever type: two events about such objects share a resource only where the account has exactly one."""
    nameless = {field: value for field, value in resource.items() if field in {"object", "deleted"}}
    events = [_event(f"{resource['object']}.updated", nameless) | {"id": f"evt_{number}"} for number in (1, 2)]

    ids = {_read(event)[1].resource_id for event in events}

    assert len(ids) == (1 if resource["object"] in SINGLETONS else 2)


def _tenant(event: dict[str, Any]) -> str:
    account, is_test = event.get("account") or "", event.get("livemode") is False
    return ":".join(filter(None, (account, "test" if is_test else "")))


def _expected_id(resource: dict[str, Any]) -> str:
    own_id: str | None = resource.get("id")
    owner = resource.get(WITHIN.get(resource["object"], ""))
    if own_id and owner:
        return f"{owner}:{own_id}"
    if own_id:
        return own_id
    if resource["object"] == "billing.alert_triggered":
        return f"{resource['customer']}:{resource['alert']['id']}"
    if resource["object"] in OWNED_BY_CUSTOMER and resource.get("customer"):
        customer = resource["customer"]
        return str(customer["id"] if isinstance(customer, dict) else customer)
    return "self" if resource["object"] in SINGLETONS else "evt_1"


def _event(event_type: str, stripe_object: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "evt_1",
        "object": "event",
        "type": event_type,
        "created": 1_769_860_800,
        "api_version": "2024-06-20",
        "data": {"object": stripe_object},
    }


def _read(event: dict[str, Any]) -> tuple[str, Snapshot]:
    request = _request(msgspec.json.encode(event))
    envelope = Stripe().identify("acme", request)
    parsed = Stripe().parse(raw_delivery("stripe", envelope, request))
    assert isinstance(parsed, Parsed), parsed
    (snapshot,) = parsed.snapshots
    return envelope.key, snapshot


def _request(body: bytes) -> SignedRequest:
    sample = Sample(body=body, topic="", delivery_id="", now=NOW)
    return SignedRequest(Stripe().sign(sample, b"whsec_made_up"), body)
