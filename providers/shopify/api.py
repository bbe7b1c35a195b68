"""Reads Shopify's resources: many of one type in one GraphQL query, as many as its cost allows, and further pages one by one.

A connection is read to its end. If the bucket runs dry on the way, the pages so far are kept, and the next read of the resource
goes on there; else a product with 2,000 variants could never be read within a bucket of 2,000 points.
Source: Shopify's GraphQL Admin API reference 2026-07.
"""

from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from providers.api import (
    Checked,
    Failure,
    Fetched,
    Malformed,
    NotFound,
    Read,
    Reply,
    Throttled,
    Unauthorised,
    Unavailable,
    Wanted,
)
from providers.http import Connections, Limits
from providers.outline import at
from providers.shopify.endpoint import API_VERSION, ClientCredentials, Endpoint
from providers.shopify.fetched import READABLE, document_of
from providers.shopify.pages import Unfinished
from providers.shopify.queries import (
    CHECK,
    MAX_IDS,
    SCOPES,
    Query,
    is_gid_number,
    page_cost,
    page_query,
    resource_cost,
    resources_query,
)
from providers.shopify.replies import Answered
from providers.shopify.selections import MAX_QUERY_COST
from schemas.records import Document

MAX_UNFINISHED: Final = 8  # products of which pages are kept, each up to 2,048 variants of about 1 kB


class ShopifyApi:
    """The API of one shop."""

    def __init__(
        self,
        base_url: str,
        token: Callable[[], str] | None = None,
        client_credentials: ClientCredentials | None = None,
        limits: Limits = Limits(),  # noqa: B008  a value
        shared: Connections | None = None,
    ) -> None:
        """`base_url` is the shop's, as in https://example.myshopify.com. Either a token is needed or client credentials.

        `token` is called for every request. `BaseUrlError` for a URL to which no token may be sent.
        """
        self._endpoint = Endpoint(base_url, token, client_credentials, limits, shared)
        self._unfinished: dict[Wanted, Unfinished] = {}

    def batch(self, waiting: Sequence[Wanted]) -> Sequence[Wanted]:
        """Return the first resources of the first one's type and version that fit into one query and into the bucket."""
        if not waiting:
            return ()
        first = waiting[0]
        if first.resource_type not in READABLE or first in self._unfinished:
            return waiting[:1]
        alike = [
            each
            for each in waiting
            if (each.resource_type, each.api_version) == (first.resource_type, first.api_version)
            and each not in self._unfinished
        ]
        most = min(MAX_QUERY_COST, self._endpoint.quota.limit if self._endpoint.quota else MAX_QUERY_COST)
        count = min(int(most // resource_cost(first.resource_type)), MAX_IDS)
        return alike[: max(count, 1)]

    def cost_of(self, wanted: Sequence[Wanted]) -> float:
        """Return the points of the query; further pages take only what the bucket still has."""
        return float(sum(self._cost_of(each) for each in wanted))

    async def read(self, wanted: Sequence[Wanted]) -> Reply:
        """Read a batch, all of one type and version; `Malformed` for those that no query can name."""
        if len({(each.resource_type, each.api_version) for each in wanted}) > 1:
            raise ValueError("expected a batch of one resource type and version, as `batch` returns it")
        readable = [each for each in wanted if _is_readable(each)]
        started = [each for each in readable if each not in self._unfinished]
        spent = _Spent()
        results: dict[Wanted, Read] = {each: _unreadable(each) for each in wanted if each not in readable}
        nodes: dict[Wanted, Document | Failure | None] = {}
        if started:
            query = resources_query(started[0].resource_type, [each.resource_id for each in started])
            reply = await self._endpoint.query(query, started[0].api_version)
            nodes, spent = dict(zip(started, reply.found, strict=True)), spent.with_(reply)
        for each in readable:
            node = nodes.get(each)
            results[each], spent = await self._finished(each, self._unfinished.pop(each, None) or node, spent)
        return Reply(results, spent.requests, spent.cost, self._endpoint.quota)

    async def check(self) -> Checked | Failure:
        """Ask for the shop and the token's rights."""
        reply = await self._endpoint.query(Query(CHECK, {}, (("shop",), ("currentAppInstallation",))))
        shop, installation = reply.found
        if not isinstance(shop, dict):
            return Malformed("expected the shop, got null") if shop is None else shop
        scopes = at(installation, "accessScopes")
        held = {at(scope, "handle") for scope in scopes} if isinstance(scopes, list) else set(SCOPES)
        missing = [scope for scope in SCOPES if scope not in held and scope.replace("read_", "write_") not in held]
        quota = self._endpoint.quota
        points = f", quota {quota.restored_per_s:g} points per s, {quota.limit:g} at once" if quota else ""
        lacks = f"; it lacks {', '.join(missing)}" if missing else ""
        return Checked(f"token works for {shop.get('myshopifyDomain')}{points}{lacks}", quota)

    async def close(self) -> None:
        """Close the connections."""
        await self._endpoint.close()

    def _cost_of(self, wanted: Wanted) -> int:
        if wanted.resource_type not in READABLE:
            return 0
        return page_cost(wanted.resource_type) if wanted in self._unfinished else resource_cost(wanted.resource_type)

    async def _finished(
        self, wanted: Wanted, found: Unfinished | Document | Failure | None, spent: "_Spent"
    ) -> tuple[Read, "_Spent"]:
        """Return a resource with all pages of its long connection, as far as the bucket lasts."""
        if found is None:
            return NotFound(), spent
        if isinstance(found, Throttled | Unauthorised | Unavailable | Malformed):
            return found, spent
        unfinished = found if isinstance(found, Unfinished) else Unfinished(found)
        while (after := unfinished.cursor(wanted.resource_type)) is not None:
            wait_s = self._wait_s(page_cost(wanted.resource_type)) if spent.requests else None
            if wait_s is None:
                reply = await self._endpoint.query(
                    page_query(wanted.resource_type, wanted.resource_id, after), wanted.api_version
                )
                spent = spent.with_(reply)
                page = unfinished.with_page(wanted.resource_type, reply.found[0])
            else:
                page = Throttled(wait_s, "the bucket has too few points for the next page")
            if isinstance(page, Throttled):
                self._keep(wanted, unfinished)
            if not isinstance(page, Unfinished):
                return page, spent
            unfinished = page
        version = spent.api_version or wanted.api_version or API_VERSION
        return Fetched(document_of(wanted, unfinished.node), version), spent

    def _wait_s(self, cost: int) -> float | None:
        """Return how long the bucket takes to have so many points, None if it has them."""
        quota = self._endpoint.quota
        if quota is None or quota.left >= cost or not quota.restored_per_s:
            return None
        return (min(cost, quota.limit) - quota.left) / quota.restored_per_s

    def _keep(self, wanted: Wanted, unfinished: Unfinished) -> None:
        while len(self._unfinished) >= MAX_UNFINISHED:
            del self._unfinished[next(iter(self._unfinished))]
        self._unfinished[wanted] = unfinished


class _Spent(Struct, frozen=True):
    """The requests of one read, their points, and the version that answered the last one."""

    requests: int = 0
    cost: float = 0.0
    api_version: str | None = None

    def with_(self, reply: Answered) -> "_Spent":
        return _Spent(self.requests + 1, self.cost + reply.cost, reply.api_version or self.api_version)


def _is_readable(wanted: Wanted) -> bool:
    return wanted.resource_type in READABLE and is_gid_number(wanted.resource_type, wanted.resource_id)


def _unreadable(wanted: Wanted) -> Malformed:
    if wanted.resource_type not in READABLE:
        return Malformed(
            f"expected a type that can be read ({', '.join(sorted(READABLE))}), got {wanted.resource_type}"
        )
    return Malformed(f"expected the id of a {wanted.resource_type} to be digits")
