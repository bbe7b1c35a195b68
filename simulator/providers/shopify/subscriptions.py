"""The webhook subscriptions of the fake Shopify: made by the API, each with the version of the address it was made at.

Those of `shopify.app.toml` are in no list, so the fake has none. Source: Shopify's GraphQL Admin API reference 2026-07.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from schemas.records import Document
from simulator.providers.graphql import Connection
from simulator.providers.registrations import Registrations
from simulator.providers.shopify.objects import GID, Node

TAKEN: Final = "Address for this topic has already been taken"


class SubscriptionsFake:
    """The subscriptions of one shop. `version` is that of the query that is answered."""

    def __init__(self) -> None:
        self.registered = Registrations(first_id=1_000)
        self.version = ""

    def all(self) -> list[Document]:
        """Return all subscriptions, the oldest first."""
        return self.registered.all("")

    def add(self, topic: str, uri: str, version: str, **fields: Any) -> Document:
        """Make a subscription, as the API does."""
        return self.registered.add("", lambda number: {
            "id": f"{GID}WebhookSubscription/{number}", "topic": topic, "uri": uri, "apiVersion": version, "filter": None,
            "includeFields": [], **fields,
        })  # fmt: skip

    def root(self) -> Mapping[str, Callable[[Mapping[str, Any]], Any]]:
        """Return what a query and a mutation may ask for."""
        return {
            "webhookSubscriptions": lambda _: Connection(self.all(), _node),
            "webhookSubscriptionCreate": self._create,
            "webhookSubscriptionUpdate": self._update,
            "webhookSubscriptionDelete": self._delete,
        }

    def _create(self, arguments: Mapping[str, Any]) -> Node:
        topic, wanted = arguments["topic"], arguments["webhookSubscription"]
        if any((each["topic"], each["uri"]) == (topic, wanted["uri"]) for each in self.all()):
            return _payload(None, TAKEN)
        fields = {name: wanted[name] for name in ("filter", "includeFields") if name in wanted}
        return _payload(self.add(topic, wanted["uri"], self.version, **fields))

    def _update(self, arguments: Mapping[str, Any]) -> Node:
        wanted = arguments["webhookSubscription"]
        fields = {name: wanted[name] for name in ("uri", "filter", "includeFields") if name in wanted}
        changed = self.registered.change("", arguments["id"], fields)
        return _payload(changed, "" if changed else "Webhook subscription does not exist")

    def _delete(self, arguments: Mapping[str, Any]) -> Node:
        gone = self.registered.vanish("", arguments["id"])
        errors = [] if gone else [_error("Webhook subscription does not exist")]
        return {"deletedWebhookSubscriptionId": arguments["id"] if gone else None, "userErrors": errors}


def _payload(subscription: Document | None, said: str = "") -> Node:
    node = None if subscription is None else _node(subscription)
    return {"webhookSubscription": node, "userErrors": [_error(said)] if said else []}


def _error(message: str) -> Node:
    return {"__typename": "UserError", "field": ["webhookSubscription"], "message": message}


def _node(subscription: Document) -> Node:
    return {
        **subscription,
        "__typename": "WebhookSubscription",
        "apiVersion": {"__typename": "ApiVersion", "handle": subscription["apiVersion"]},
    }
