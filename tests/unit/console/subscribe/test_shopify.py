"""`penstock subscribe` at Shopify: against a fake of its GraphQL API, over HTTP."""

from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema, parse, validate

from providers.shopify import hooks
from simulator.providers.clock import Clock
from simulator.providers.shopify.fake import CLIENT, TOKEN, ShopifyFake
from tests.support.processes.fake_api import FakeApi
from tests.support.processes.subscribe import PUBLIC, Subscribe, of_kind

SHOP = "example.myshopify.com"
URL = f"{PUBLIC}/v1/shop"
TOPICS = ["ORDERS_CREATE", "ORDERS_UPDATED"]
VERSION = "2026-07"
SCHEMAS = Path(__file__).parents[3] / "fixtures" / "shopify"


@pytest.fixture
def fake(served: FakeApi, subscribe: Subscribe) -> ShopifyFake:
    """Serve one shop, and configure it."""
    made = ShopifyFake(Clock(speed=1000))
    served.show(made)
    subscribe.configure(configuration(served))
    return made


def configuration(served: FakeApi, version: str = VERSION) -> str:
    """Return a source with one shop."""
    return (
        f'[[sources]]\nname = "shop"\nprovider = "shopify"\nsecrets = ["env:NOT_SET_HERE"]\napi_url = "{served.url}"\n'
        f'api_tokens = {{ "{SHOP}" = "text:{TOKEN}" }}\napi_version = "{version}"\n'
        'subscribe = ["orders/create", "orders/updated"]\n'
    )


def topics(fake: ShopifyFake, version: str = VERSION) -> list[str]:
    """Return the topics of all subscriptions of ours, all of which are whole and of a version."""
    found = [each for each in fake.subscriptions.all() if each["uri"].rstrip("/") == URL]
    assert {each["apiVersion"] for each in found} <= {version}
    assert not any(each["filter"] or each["includeFields"] for each in found)
    return sorted(each["topic"] for each in found)


@pytest.mark.parametrize("text", [hooks.LIST, hooks.CREATE, hooks.UPDATE, hooks.DELETE])
def test_texts_fit_the_schema(text: str) -> None:
    """As Shopify documents it; a field that does not exist would be an error of every command."""
    schema = build_schema("".join((SCHEMAS / name).read_text() for name in ("admin.graphql", "webhooks.graphql")))
    assert validate(schema, parse(text)) == []


def test_empty_shop_gets_every_topic(fake: ShopifyFake, subscribe: Subscribe) -> None:
    """The plan, its application, and nothing left to do."""
    assert subscribe("plan") == 3
    assert "+ create   ORDERS_CREATE  missing" in subscribe.printed
    assert subscribe("apply", "--yes") == 0
    assert topics(fake) == TOPICS
    assert subscribe("plan") == 0
    assert TOKEN not in subscribe.printed


def test_vanished_subscription_is_made_anew(fake: ShopifyFake, subscribe: Subscribe) -> None:
    """Shopify deletes it after eight failures."""
    subscribe("apply", "--yes")
    fake.subscriptions.registered.vanish("", fake.subscriptions.all()[0]["id"])

    assert subscribe("repair", "--yes") == 0
    assert topics(fake) == TOPICS


def test_filter_and_fields_are_removed(fake: ShopifyFake, subscribe: Subscribe) -> None:
    """They withhold what routes would select; nothing else of the subscription changes."""
    fake.subscriptions.add(TOPICS[0], URL, VERSION, filter="id:1")
    fake.subscriptions.add(TOPICS[1], URL, VERSION, includeFields=["id"])
    ids = {each["id"] for each in fake.subscriptions.all()}

    assert subscribe("plan") == 3
    assert "wrong_filter" in subscribe.printed
    assert subscribe("apply", "--yes") == 0
    assert topics(fake) == TOPICS
    assert {each["id"] for each in fake.subscriptions.all()} == ids


@pytest.mark.parametrize("fault", ["reset", "torn"])
def test_upgrade_goes_on_after_any_request(fake: ShopifyFake, subscribe: Subscribe, fault: Any) -> None:
    """A version is replaced: the new one is made before the old one is deleted, though Shopify allows no second equal address."""
    for number in range(2, 6):
        for each in fake.subscriptions.all():
            fake.subscriptions.registered.vanish("", each["id"])
        for topic in TOPICS:
            fake.subscriptions.add(topic, URL, "2026-01")
        fake.faults.next(*[None] * number, fault)

        assert subscribe("apply", "--yes") == 1
        fake.faults.heal()
        assert {each["topic"] for each in fake.subscriptions.all()} == set(TOPICS)
        assert subscribe("apply", "--yes") == 0
        assert topics(fake) == TOPICS


def test_next_upgrade_takes_the_other_spelling(fake: ShopifyFake, subscribe: Subscribe, served: FakeApi) -> None:
    """With a slash at the end and without one are the same path of the ingress."""
    subscribe("apply", "--yes")
    for version in ("2026-10", "2027-01"):
        subscribe.configure(configuration(served, version))
        assert subscribe("apply", "--yes") == 0
        assert topics(fake, version) == TOPICS


def test_version_that_is_not_supported_replaces_nothing(
    fake: ShopifyFake, subscribe: Subscribe, served: FakeApi
) -> None:
    """Shopify takes the oldest one instead, silently; what was made so is deleted again, or each run would replace it."""
    subscribe("apply", "--yes")
    before = fake.subscriptions.all()
    subscribe.configure(configuration(served, "2020-01"))

    assert subscribe("apply", "--yes") == 1
    assert "2020-01 is not supported" in subscribe.printed
    assert fake.subscriptions.all() == before


def test_foreign_subscriptions_stay(fake: ShopifyFake, subscribe: Subscribe) -> None:
    """Also those that are no address of the web, on all pages."""
    fake.subscriptions.add(TOPICS[0], "arn:aws:events:us-east-1::event-source/aws.partner/shopify.com/1/x", VERSION)
    for number in range(150):
        fake.subscriptions.add(TOPICS[1], f"https://else.example/{number}", VERSION)

    assert subscribe("apply", "--yes", "--prune") == 0
    assert topics(fake) == TOPICS
    assert len(fake.subscriptions.all()) == 153
    assert subscribe("plan", "--prune") == 0


def test_routes_choose_the_topics(fake: ShopifyFake, subscribe: Subscribe, served: FakeApi) -> None:
    """By resource, event type and the start of one."""
    auto = configuration(served).replace('subscribe = ["orders/create", "orders/updated"]\n', "")
    routes = (
        '[[routes]]\nname = "a"\nresource = "refund"\n[[routes]]\nname = "b"\nevent_type = "shop/update"\n'
        '[[routes]]\nname = "c"\nevent_type = "carts/*"\n[[routes]]\nname = "d"\nresource = "oddity"\n'
    )
    subscribe.configure(auto + routes)

    records = subscribe.records("plan")
    found = [record["topics"] for record in of_kind(records, "action")]
    assert found == [["CARTS_CREATE"], ["CARTS_UPDATE"], ["REFUNDS_CREATE"], ["SHOP_UPDATE"]]
    assert "no event types are known for oddity" in of_kind(records, "account")[0]["advice"]


def test_client_credentials_are_exchanged(fake: ShopifyFake, subscribe: Subscribe, served: FakeApi) -> None:
    """An app's id and secret, as for reading; a token that expired is renewed."""
    token = f'api_tokens = {{ "{SHOP}" = "text:{TOKEN}" }}'
    app = f'api_client_id = "{CLIENT[0]}"\napi_token = "text:{CLIENT[1]}"\ntenants = ["{SHOP}"]'
    subscribe.configure(configuration(served).replace(token, app))

    assert subscribe("apply", "--yes") == 0
    assert topics(fake) == TOPICS
    assert CLIENT[1] not in subscribe.printed


def test_missing_right_is_named(fake: ShopifyFake, subscribe: Subscribe) -> None:
    """An error within status 200."""
    fake.tell("ACCESS_DENIED")
    assert subscribe("plan") == 1
    assert "cannot be read: ACCESS_DENIED" in subscribe.printed
