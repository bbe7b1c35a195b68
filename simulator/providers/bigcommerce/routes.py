"""The API of the fake BigCommerce, as a Starlette app: its routes, envelopes, errors and quota headers.

A read by id is as old as `faults.read_lag_s` says, a list without ids as `faults.search_lag_s`.
Source: BigCommerce's REST reference, read 2026-11; the bodies of errors are those of its "API status codes".
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct, field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from schemas.records import Document
from simulator.providers.bigcommerce.admission import Admission
from simulator.providers.bigcommerce.answers import Answered, v2_error, v3_error
from simulator.providers.bigcommerce.documents import store
from simulator.providers.bigcommerce.fake import FakeBigCommerce
from simulator.providers.bigcommerce.hooks import FakeHooks
from simulator.providers.bigcommerce.lists import (
    MAX_PAGE,
    MAX_PAGE_WITH_OPTIONS,
    Page,
    Refusal,
    Shown,
    cursor_page_of,
    page_of,
    words,
)

_ALL: Final = Shown({})
_BY_ID: Final[Mapping[str, str]] = {"id:in": "id", "id": "id"}
_ORDER_LINKS: Final = ("products", "shipping_addresses")


class _List(Struct, frozen=True):
    """A list of V3: the kind of its documents, its filters, and what it shows only on request."""

    kind: str
    shown: Shown = _ALL
    id_paths: Mapping[str, str] = field(default_factory=lambda: _BY_ID)
    filters: frozenset[str] = frozenset()
    has_cursors: bool = False

    def unknown(self, query: Mapping[str, str]) -> set[str]:
        """Return the names in a query that the list does not know, for which it is refused."""
        return query.keys() - self.filters - self.id_paths.keys() - _EVERYWHERE


_PRODUCT: Final = Shown(
    {
        word: word
        for word in (
            "variants",
            "images",
            "custom_fields",
            "bulk_pricing_rules",
            "primary_image",
            "options",
            "modifiers",
            "videos",
        )
    }
)
_CUSTOMER: Final = Shown(
    {
        "attributes": "attributes",
        "formfields": "form_fields",
        "storecredit": "store_credit_amounts",
        "shopper_profile_id": "shopper_profile_id",
        "segment_ids": "segment_ids",
    }
)
_EVERYWHERE: Final = frozenset({"page", "limit", "include"})
_IN_CATALOG: Final = frozenset({"id:greater", "sort", "direction", "include_fields", "exclude_fields"})
_BY_TIME: Final = frozenset({"date_modified:min", "date_modified:max"})
_LISTS: Final[Mapping[str, _List]] = {
    "/v3/catalog/products": _List("product", shown=_PRODUCT, filters=_IN_CATALOG | _BY_TIME),
    "/v3/catalog/categories": _List("category", filters=_IN_CATALOG),
    "/v3/customers": _List("customer", shown=_CUSTOMER, filters=_BY_TIME | {"sort", "after"}, has_cursors=True),
    "/v3/customers/addresses": _List("customer_address", shown=Shown({"formfields": "form_fields"})),
    "/v3/inventory/locations": _List("location", id_paths={"location_id:in": "id"}),
}


def bigcommerce_app(fake: FakeBigCommerce) -> ASGIApp:
    """Return the app that serves all stores of a fake, below /stores/<store hash>."""
    api = _Api(fake)
    routes = {path: api.list_of(listed) for path, listed in _LISTS.items()} | {
        "/v2/time": api.time,
        "/v2/store": api.store,
        "/v2/orders": api.orders,
        "/v2/orders/count": api.order_count,
        "/v2/orders/{id}": api.order,
        "/v2/orders/{id}/shipments": api.shipments,
        "/v2/orders/{id}/shipments/{shipment}": api.shipment,
        "/v2/orders/{id}/{part}": api.order_part,
        "/v3/catalog/products/{id}": api.product,
        "/v3/carts/{id}": api.cart,
        "/v3/inventory/items": api.stock_everywhere,
        "/v3/inventory/locations/{location}/items": api.stock,
    }
    reads = [Route(f"/stores/{{store}}{path}", _endpoint(answer)) for path, answer in routes.items()]
    app = Starlette(routes=[*FakeHooks(fake).routes, *reads])
    return Admission(app, fake)


class _Asked(Struct, frozen=True):
    """A request: the parts of its path by name, and its query."""

    names: Mapping[str, str]
    query: Mapping[str, str]


_Answer = Callable[[_Asked], Answered]


def _endpoint(answer: _Answer) -> Callable[[Request], Any]:
    async def respond(request: Request) -> Response:
        return answer(_Asked(request.path_params, dict(request.query_params))).response()

    return respond


class _Api:
    """The answers."""

    def __init__(self, fake: FakeBigCommerce) -> None:
        self._fake = fake

    def time(self, _: _Asked) -> Answered:
        return Answered(200, {"time": int(self._fake.clock.now().timestamp())})

    def store(self, asked: _Asked) -> Answered:
        return Answered(200, store(asked.names["store"]))

    def list_of(self, listed: _List) -> _Answer:
        def answer(asked: _Asked) -> Answered:
            if unknown := listed.unknown(asked.query):
                names = ", ".join(sorted(unknown))
                return v3_error(422, f"The filter(s): {names} are not valid filter parameter(s).")
            documents, now = self._asked_for(asked, listed), self._fake.clock.now()
            if listed.has_cursors:
                return _v3(cursor_page_of(documents, asked.query, listed.id_paths, now), listed.shown, asked.query)
            has_options = not {"options", "modifiers"}.isdisjoint(words(asked.query.get("include", "")))
            max_page = MAX_PAGE_WITH_OPTIONS if listed.kind == "product" and has_options else MAX_PAGE
            return _v3(page_of(documents, asked.query, listed.id_paths, now, max_page), listed.shown, asked.query)

        return answer

    def product(self, asked: _Asked) -> Answered:
        document = self._get(asked, "product", asked.names["id"])
        if document is None:
            return _v3_missing()
        return Answered(200, {"data": _PRODUCT.of(document, asked.query), "meta": {}})

    def cart(self, asked: _Asked) -> Answered:
        document = self._get(asked, "cart", asked.names["id"])
        return _v3_missing() if document is None else Answered(200, {"data": document, "meta": {}})

    def stock(self, asked: _Asked) -> Answered:
        if self._get(asked, "location", asked.names["location"]) is None:
            return _v3_missing()
        all_stock = self._documents(asked, "inventory", is_by_id=True)
        here = [
            document for stock_id, document in all_stock.items() if stock_id.endswith(f":{asked.names['location']}")
        ]
        paths = {"variant_id:in": "identity.variant_id", "product_id:in": "identity.product_id"}
        return _v3(page_of(here, asked.query, paths, self._fake.clock.now()), _ALL, asked.query)

    def stock_everywhere(self, asked: _Asked) -> Answered:
        """Return each variant with its stock at all locations."""
        items: dict[int, Document] = {}
        for stock_id, document in self._documents(asked, "inventory", is_by_id=False).items():
            variant_id = document["identity"]["variant_id"]
            item = items.setdefault(variant_id, {"identity": document["identity"], "locations": []})
            here = {name: value for name, value in document.items() if name != "identity"}
            item["locations"].append({"location_id": int(stock_id.rpartition(":")[2]), **here})
        paths = {"variant_id:in": "identity.variant_id", "product_id:in": "identity.product_id"}
        return _v3(page_of(list(items.values()), asked.query, paths, self._fake.clock.now()), _ALL, asked.query)

    def orders(self, asked: _Asked) -> Answered:
        documents = self._documents(asked, "order", is_by_id=False).values()
        page = page_of(documents, asked.query, {}, self._fake.clock.now())
        if isinstance(page, Refusal):
            return v2_error(page.status, page.title)
        return _v2_list([_order_shown(document) for document in page.documents])

    def order_count(self, asked: _Asked) -> Answered:
        return Answered(200, {"count": len(self._documents(asked, "order", is_by_id=False))})

    def order(self, asked: _Asked) -> Answered:
        document = self._get(asked, "order", asked.names["id"])
        return _v2_missing() if document is None else Answered(200, _order_shown(document))

    def order_part(self, asked: _Asked) -> Answered:
        document = self._get(asked, "order", asked.names["id"])
        if document is None or asked.names["part"] not in _ORDER_LINKS:
            return _v2_missing()
        return _v2_page(document[asked.names["part"]], asked.query, self._fake.clock.now())

    def shipments(self, asked: _Asked) -> Answered:
        if self._get(asked, "order", asked.names["id"]) is None:
            return _v2_missing()
        all_shipments = self._documents(asked, "shipment", is_by_id=True).values()
        return _v2_page(
            [document for document in all_shipments if str(document["order_id"]) == asked.names["id"]],
            asked.query,
            self._fake.clock.now(),
        )

    def shipment(self, asked: _Asked) -> Answered:
        document = self._get(asked, "shipment", asked.names["shipment"])
        if document is None or str(document["order_id"]) != asked.names["id"]:
            return _v2_missing()
        return Answered(200, document)

    def _asked_for(self, asked: _Asked, listed: _List) -> list[Document]:
        """Return the documents that a list is made of: those of the ids it names, or all."""
        for name in listed.id_paths.keys() & asked.query.keys():
            found = [self._get(asked, listed.kind, resource_id) for resource_id in words(asked.query[name])]
            return [document for document in found if document is not None]
        return list(self._documents(asked, listed.kind, is_by_id=False).values())

    def _get(self, asked: _Asked, kind: str, resource_id: str) -> Document | None:
        faults = self._fake.faults
        if faults.hides(kind, resource_id):
            return None
        return self._fake.store.get(asked.names["store"], kind, resource_id, faults.read_lag_s)

    def _documents(self, asked: _Asked, kind: str, *, is_by_id: bool) -> dict[str, Document]:
        faults = self._fake.faults
        lag_s = faults.read_lag_s if is_by_id else faults.search_lag_s
        documents = self._fake.store.documents(asked.names["store"], kind, lag_s)
        return {name: document for name, document in documents.items() if not faults.hides(kind, name)}


# --- Envelopes -------------------------------------------------------------------------------------------------------


def _v3(page: Page | Refusal, shown: Shown, query: Mapping[str, str]) -> Answered:
    if isinstance(page, Refusal):
        return v3_error(page.status, page.title)
    return Answered(200, {"data": [shown.of(document, query) for document in page.documents], "meta": page.meta})


def _v3_missing() -> Answered:
    return v3_error(404, "The resource was not found.")


def _v2_page(documents: list[Document], query: Mapping[str, str], now: datetime) -> Answered:
    page = page_of(documents, query, {}, now)
    return v2_error(page.status, page.title) if isinstance(page, Refusal) else _v2_list(list(page.documents))


def _v2_list(documents: list[Document]) -> Answered:
    """Return an array; one without elements is 204 without a body."""
    return Answered(200, documents) if documents else Answered(204)


def _v2_missing() -> Answered:
    return v2_error(404, "The requested resource was not found.")


def _order_shown(document: Document) -> Document:
    """Return an order as V2 shows it: links in place of its lists."""
    path = f"/orders/{document['id']}"
    links = {
        part: {"url": f"https://api.example/v2{path}/{part}", "resource": f"{path}/{part}"} for part in _ORDER_LINKS
    }
    return {**document, **links}
