"""A fake of Shopify's Admin API: GraphQL and the classic webhooks, from one state.

It shows what surprises a reader: errors within status 200, a bucket of points that is charged for what a query may bring and
given back what it did not, null for what is gone, variants that no webhook lists, and tokens that expire.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from schemas.codec import document_json
from schemas.records import Document
from simulator.providers.clock import Clock
from simulator.providers.faults import Faults
from simulator.providers.graphql import Field, QueryError, execute, parse, requested_cost, with_variables
from simulator.providers.serving import FAULT
from simulator.providers.shopify import objects
from simulator.providers.shopify.bucket import Bucket
from simulator.providers.shopify.lists import EVENTS, Lists
from simulator.providers.shopify.objects import GID, Node
from simulator.providers.shopify.subscriptions import SubscriptionsFake
from simulator.providers.store import Store

MAX_VARIANTS: Final = 100  # in a webhook
MAX_SEEN: Final = 200_000  # queries that are remembered
MAX_COST: Final = 1_000
TOKEN: Final = "shpat_made_up"  # noqa: S105  made up
CLIENT: Final = ("client-id", "client-secret-made-up")
SCOPES: Final = ("read_products", "read_customers", "read_orders", "read_inventory")
_LEVELS: Final = "inventory_level"
_KINDS: Final[Mapping[str, tuple[str, Callable[[Document], Node]]]] = {
    "Product": ("product", objects.product),
    "Customer": ("customer", objects.customer),
    "Order": ("order", objects.order),
    "Collection": ("collection", objects.collection),
    "InventoryItem": ("inventory_item", objects.inventory_item),
}
LOGGED: Final = frozenset({"product", "order", "collection"})
"""The types whose creation and deletion the log of events tells; customers are not among them."""


class Told(Struct, frozen=True):
    """An error that the next query gets: its code, and its path, None for the whole query."""

    code: str
    path: tuple[str | int, ...] | None = None


class ShopifyFake:
    """One shop, with one app's token."""

    def __init__(
        self,
        clock: Clock | None = None,
        shop: str = "example.myshopify.com",
        token: str = TOKEN,
        *,
        points: int = 2_000,
    ) -> None:
        self.clock = Clock() if clock is None else clock
        self.shop, self.token, self.scopes = shop, token, list(SCOPES)
        self.store = Store(self.clock.now)
        self.faults = Faults()
        self.bucket = Bucket(self.clock.now, points, points / 20)
        self.queries: deque[str] = deque(maxlen=MAX_SEEN)
        self.subscriptions = SubscriptionsFake()
        self.tokens_made = 0
        self.oldest_version = "2025-10"  # what answers for older ones
        self._told: list[Told] = []
        self._events = 1_000
        self.app: ASGIApp = Starlette(
            routes=[
                Route("/admin/oauth/access_token", self._make_token, methods=["POST"]),
                Route("/admin/api/{version}/graphql.json", self._answer, methods=["POST"]),
            ]
        )

    def put(self, resource_type: str, document: Document) -> None:
        """Create or change a resource: a webhook's document; a product's with all of its variants."""
        named = (
            f"{document['inventory_item_id']}:{document['location_id']}"
            if resource_type == _LEVELS
            else str(document["id"])
        )
        is_new = self.store.get(self.shop, resource_type, named) is None
        self.store.put(self.shop, resource_type, named, document)
        if is_new:
            self._log("create", resource_type, named)

    def delete(self, resource_type: str, resource_id: str) -> None:
        """Delete a resource; of some types the log of events then tells it."""
        is_there = self.store.get(self.shop, resource_type, resource_id) is not None
        self.store.delete(self.shop, resource_type, resource_id)
        if is_there:
            self._log("destroy", resource_type, resource_id)

    def webhook(self, resource_type: str, resource_id: str) -> Document:
        """Return what a webhook shows of a resource: of a product's variants the first hundred, and the ids of all."""
        document = self.store.get(self.shop, resource_type, resource_id)
        if document is None:
            return {"id": int(resource_id)}
        if resource_type != "product":
            return document
        variants = document.get("variants", [])
        gids = [
            {
                "admin_graphql_api_id": f"{GID}ProductVariant/{each['id']}",
                "updated_at": objects.utc(each["updated_at"], ".000Z"),
            }
            for each in variants
        ]
        gids.sort(key=lambda gid: str(gid["updated_at"]), reverse=True)
        return document | {"variants": variants[:MAX_VARIANTS], "variant_gids": gids}

    def tell(self, code: str, *path: str | int) -> None:
        """Let the next query get an error within status 200."""
        self._told.append(Told(code, path or None))

    def execute(self, text: str, variables: Mapping[str, Any]) -> Document:
        """Return the reply to a query, charged to the bucket."""
        try:
            fields = with_variables(parse(text), variables)
            requested = requested_cost(fields)
            if requested > MAX_COST:
                message = f"Query cost is {requested}, which exceeds the single query max cost limit ({MAX_COST})."
                raise QueryError(message, "MAX_COST_EXCEEDED")
            return self._charged(fields, requested)
        except QueryError as error:
            return {"errors": [{"message": str(error), "extensions": {"code": error.code}}]}

    def _log(self, action: str, resource_type: str, resource_id: str) -> None:
        if resource_type not in LOGGED:
            return
        self._events += 1
        event = {
            "id": self._events,
            "action": action,
            "subject_type": resource_type.upper(),
            "subject_id": resource_id,
            "created_at": self.clock.now().isoformat(),
        }
        self.store.put(self.shop, EVENTS, str(self._events), event)

    async def _make_token(self, request: Request) -> Response:
        form = msgspec.json.decode(await request.body())
        if (form.get("client_id"), form.get("client_secret")) != CLIENT or form.get(
            "grant_type"
        ) != "client_credentials":
            return _json({"error": "invalid_client"}, 400)
        self.tokens_made += 1
        self.token = f"shpat_made_up_{self.tokens_made}"
        self.faults.has_expired_token = False
        return _json({"access_token": self.token, "scope": ",".join(self.scopes), "expires_in": 86_399})

    async def _answer(self, request: Request) -> Response:
        match request.scope.get(FAULT):
            case "error":
                return Response("<html>", 500)
            case "unavailable":
                return Response("<html>", 503)
            case "throttled":
                return _json({"errors": "Too Many Requests"}, 429)
        if self.faults.has_expired_token or request.headers.get("x-shopify-access-token") != self.token:
            return _json(
                {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}, 401
            )
        body = msgspec.json.decode(await request.body())
        self.queries.append(body["query"])
        version = self.subscriptions.version = max(request.path_params["version"], self.oldest_version)
        return _json(
            self.execute(body["query"], body.get("variables") or {}), headers={"x-shopify-api-version": version}
        )

    def _charged(self, fields: tuple[Field, ...], requested: int) -> Document:
        told = self._told.pop(0) if self._told else None
        if (told and told.code == "THROTTLED") or not self.bucket.take(requested):
            error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
            return {"errors": [error], "extensions": self._cost(requested, None)}
        try:
            executed = execute(fields, self._root())
        except QueryError:
            self.bucket.give_back(requested)
            raise
        self.bucket.give_back(requested - executed.cost)
        reply: Document = {"data": executed.data, "extensions": self._cost(requested, executed.cost)}
        return reply if told is None else reply | _told_error(told, executed.data)

    def _cost(self, requested: int, actual: int | None) -> Document:
        level = self.bucket.level()
        status = {
            "maximumAvailable": level.maximum,
            "currentlyAvailable": level.available,
            "restoreRate": level.restored_per_s,
        }
        return {"cost": {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": status}}

    def _root(self) -> Node:
        return {
            "shop": {"__typename": "Shop", "myshopifyDomain": self.shop},
            "currentAppInstallation": {
                "__typename": "AppInstallation",
                "accessScopes": [{"__typename": "AccessScope", "handle": scope} for scope in self.scopes],
            },
            "node": lambda arguments: self._node(arguments["id"]),
            "nodes": lambda arguments: [self._node(gid) for gid in arguments["ids"]],
            "inventoryItem": lambda arguments: self._node(arguments["id"]),
            **Lists(self._listed).fields(),
            **self.subscriptions.root(),
        }

    def _listed(self, resource_type: str) -> list[Document]:
        """Return what lists are made of: the search index, which may be older than reads."""
        documents = self.store.documents(self.shop, resource_type, self.faults.search_lag_s)
        return [document for name, document in documents.items() if not self.faults.hides(resource_type, name)]

    def _node(self, gid: str) -> Node | None:
        """Return an object by its global id, None if it is gone."""
        kind, _, number = gid.removeprefix(GID).partition("/")
        if not gid.startswith(GID) or not number.isdigit():
            raise QueryError(f"Invalid global id '{gid}'", "argumentLiteralsIncompatible")
        if kind == "ProductVariant":
            return self._variant(number)
        resource_type, made = _KINDS[kind]
        if self.faults.hides(resource_type, number):
            return None
        document = self.store.get(self.shop, resource_type, number, self.faults.read_lag_s)
        if document is None:
            return None
        node = made(document)
        return (
            node | {"inventoryLevel": lambda arguments: self._level(number, arguments)}
            if kind == "InventoryItem"
            else node
        )

    def _variant(self, number: str) -> Node | None:
        for name, document in self.store.documents(self.shop, "product", self.faults.read_lag_s).items():
            if self.faults.hides("product", name):
                continue
            found = next((each for each in document.get("variants", ()) if str(each["id"]) == number), None)
            if found is not None:
                return objects.variant(found, document)
        return None

    def _level(self, item_id: str, arguments: Mapping[str, Any]) -> Node | None:
        location_id = arguments["locationId"].removeprefix(f"{GID}Location/")
        document = self.store.get(self.shop, _LEVELS, f"{item_id}:{location_id}", self.faults.read_lag_s)
        return None if document is None else objects.inventory_level(document)


def _told_error(told: Told, data: Document) -> Document:
    """Return an error beside the data; what its path names is null, or all of the data without a path."""
    error: Document = {"message": "a made-up message", "extensions": {"code": told.code}}
    if told.path is None:
        return {"data": None, "errors": [error]}
    *parents, last = told.path
    value: Any = data
    for step in parents:
        value = value[step]
    value[last] = None
    return {"errors": [error | {"path": list(told.path)}]}


def _json(document: Document, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(document_json(document), status, headers, media_type="application/json")
