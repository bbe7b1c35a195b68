"""The webhook subscriptions of one Shopify shop that this app made by the API: one for each topic.

Those of `shopify.app.toml` are in no list. A subscription keeps the version of the address that it was made at; for one that is
no longer supported Shopify takes the oldest that is. Two of one topic may not have the same address. A subscription is deleted
after eight failures in a row. Source: Shopify's GraphQL Admin API reference 2026-07, "webhookSubscriptions" and its mutations.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from providers.answers import excerpt
from providers.api import Failure, Malformed
from providers.hooks import Created, Hook, Wish
from providers.http import Connections, Limits
from providers.outline import at
from providers.shopify.endpoint import ClientCredentials, Endpoint
from providers.shopify.queries import Query
from schemas.records import Document

PAGE: Final = 100
MAX_PAGES: Final = 40
_FIELDS: Final = "id topic uri filter includeFields apiVersion { handle }"
LIST: Final = (
    f"query($after: String) {{ webhookSubscriptions(first: {PAGE}, after: $after) "
    f"{{ nodes {{ {_FIELDS} }} pageInfo {{ hasNextPage endCursor }} }} }}"
)
CREATE: Final = (
    "mutation($topic: WebhookSubscriptionTopic!, $subscription: WebhookSubscriptionInput!) "
    "{ webhookSubscriptionCreate(topic: $topic, webhookSubscription: $subscription) "
    f"{{ webhookSubscription {{ {_FIELDS} }} userErrors {{ field message }} }} }}"
)
UPDATE: Final = (
    "mutation($id: ID!, $subscription: WebhookSubscriptionInput!) "
    "{ webhookSubscriptionUpdate(id: $id, webhookSubscription: $subscription) "
    f"{{ webhookSubscription {{ {_FIELDS} }} userErrors {{ field message }} }} }}"
)
DELETE: Final = (
    "mutation($id: ID!) { webhookSubscriptionDelete(id: $id) "
    "{ deletedWebhookSubscriptionId userErrors { field message } } }"
)
GONE: Final = "does not exist"  # in the error of a deletion whose subscription is gone already


class ShopifyHooks:
    """The subscriptions of one shop."""

    def __init__(
        self,
        base_url: str,
        token: Callable[[], str] | None = None,
        client_credentials: ClientCredentials | None = None,
        limits: Limits = Limits(),  # noqa: B008  a value
        shared: Connections | None = None,
    ) -> None:
        """`base_url` is the shop's. Either a token is needed or client credentials; `BaseUrlError` as for every client."""
        self._endpoint = Endpoint(base_url, token, client_credentials, limits, shared)

    async def hooks(self, place: str) -> tuple[Hook, ...] | Failure:  # noqa: ARG002  a shop has one place
        """Return the subscriptions of all pages."""
        found: list[Hook] = []
        after: str | None = None
        for _ in range(MAX_PAGES):
            page = await self._queried(LIST, {"after": after}, "webhookSubscriptions")
            if not isinstance(page, dict):
                return page
            nodes = page.get("nodes")
            if not isinstance(nodes, list):
                return Malformed("expected subscriptions in nodes")
            for node in nodes:
                hook = _hook(node)
                if not isinstance(hook, Hook):
                    return hook
                found.append(hook)
            after = at(page, "pageInfo.endCursor")
            if at(page, "pageInfo.hasNextPage") is not True or not isinstance(after, str):
                return tuple(found)
        return Malformed(f"expected at most {MAX_PAGES} pages of subscriptions")

    async def create(self, wish: Wish, secret: str | None) -> Created | Failure:  # noqa: ARG002  the app's secret signs
        """Make a subscription. One that Shopify makes with another version than is wanted is deleted again."""
        variables = {"topic": wish.topics[0], "subscription": {"uri": wish.url, "format": "JSON"}}
        hook = await self._mutated(CREATE, variables, "webhookSubscriptionCreate", wish.api_version)
        if not isinstance(hook, Hook):
            return hook
        if wish.api_version in (None, hook.api_version):
            return Created(hook)
        failure = await self.delete(hook)
        left = f"; {hook.id} could not be deleted again: {failure.detail}" if failure else ""
        made = excerpt(hook.api_version or "none")
        return Malformed(f"Shopify made it with version {made}: {wish.api_version} is not supported{left}")

    async def update(self, hook: Hook, wish: Wish, secret: str | None) -> Hook | Failure:  # noqa: ARG002
        """Make a subscription send everything to its address."""
        wanted: Document = {"uri": wish.url, "format": "JSON", "filter": None, "includeFields": []}
        variables = {"id": hook.id, "subscription": wanted}
        return await self._mutated(UPDATE, variables, "webhookSubscriptionUpdate", hook.api_version)

    async def delete(self, hook: Hook) -> Failure | None:
        """Delete a subscription."""
        reply = await self._queried(DELETE, {"id": hook.id}, "webhookSubscriptionDelete")
        if not isinstance(reply, dict):
            return reply
        said = _user_errors(reply)
        return None if not said or GONE in said else Malformed(said)

    async def close(self) -> None:
        """Close the connections."""
        await self._endpoint.close()

    async def _mutated(
        self, text: str, variables: Mapping[str, Any], name: str, api_version: str | None
    ) -> Hook | Failure:
        reply = await self._queried(text, variables, name, api_version)
        if not isinstance(reply, dict):
            return reply
        said = _user_errors(reply)
        return Malformed(said) if said else _hook(reply.get("webhookSubscription"))

    async def _queried(
        self, text: str, variables: Mapping[str, Any], name: str, api_version: str | None = None
    ) -> Document | Failure:
        """Return the object that a query or mutation brings."""
        reply = await self._endpoint.query(Query(text, variables, ((name,),)), api_version)
        (found,) = reply.found
        return Malformed(f"expected an object in {name}") if found is None else found


def _hook(node: Any) -> Hook | Failure:
    gid, topic, uri = (at(node, name) for name in ("id", "topic", "uri"))
    if not isinstance(gid, str) or not isinstance(topic, str) or not isinstance(uri, str):
        return Malformed("expected a subscription with id, topic and uri")
    version, query, fields = at(node, "apiVersion.handle"), at(node, "filter"), at(node, "includeFields")
    return Hook(
        gid,
        uri,
        (topic,),
        api_version=version if isinstance(version, str) else None,
        filter=query if isinstance(query, str) else "",
        fields=tuple(str(field) for field in fields) if isinstance(fields, list) else (),
    )


def _user_errors(reply: Document) -> str:
    errors = reply.get("userErrors")
    messages = [at(error, "message") for error in errors] if isinstance(errors, list) else []
    return excerpt("; ".join(str(message) for message in messages))
