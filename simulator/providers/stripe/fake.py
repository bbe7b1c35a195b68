"""A fake of Stripe's API: its objects and the events about them, from one state.

It shows what surprises a reader: lists that are cut after ten elements, deleted objects that are still answered, thin events,
events that are frozen in the version of their creation while a read is in the version that it asks for, a log that has them for
30 days, changes that no event tells, and limits per second that no header tells.
Source: Stripe's API reference 2026-06-24 and its changelog for 2025-03-31.basil.
"""

from collections import defaultdict, deque
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from schemas.records import Document
from simulator.providers.clock import Clock
from simulator.providers.faults import Faults
from simulator.providers.quota import WindowQuota
from simulator.providers.serving import FAULT
from simulator.providers.store import Store
from simulator.providers.stripe.endpoints import StripeEndpointsFake
from simulator.providers.stripe.lists import MAX_LIMIT, Missing, page_of, page_of_v2

OBJECT_OF_PATH: Final[Mapping[str, str]] = {
    "v1/billing/meters": "billing.meter",
    "v1/charges": "charge",
    "v1/coupons": "coupon",
    "v1/credit_notes": "credit_note",
    "v1/customers": "customer",
    "v1/invoices": "invoice",
    "v1/payment_intents": "payment_intent",
    "v1/prices": "price",
    "v1/products": "product",
    "v1/refunds": "refund",
    "v1/subscriptions": "subscription",
    "v2/core/accounts": "v2.core.account",
}
LISTS: Final[Mapping[str, str]] = {"credit_note": "lines", "invoice": "lines", "subscription": "items"}
"""The field of an object that is a list of its own."""

MAX_SEEN: Final = 200_000  # requests that are remembered
FIRST_PAGE: Final = 10  # what an object and its event show of a list
KEPT: Final = timedelta(days=30)  # how long the log has an event
FAILURE: Final = "v2.core.health.event_generation_failure.resolved"
BASIL: Final = "2025-03-31.basil"  # from then on an invoice names its subscription below `parent`
DEFAULT_VERSION: Final = "2024-06-20"
_PATH_OF_OBJECT: Final = {object_type: path for path, object_type in OBJECT_OF_PATH.items()}


class StripeFake:
    """One platform with its own account, called "", and connected accounts, which exist once they have an object.

    `limit_per_s` holds for an account, `endpoint_limit_per_s` for each address in it.
    """

    def __init__(
        self, clock: Clock | None = None, key: str = "sk_test_made_up", *, version: str = DEFAULT_VERSION
    ) -> None:
        self.clock = Clock() if clock is None else clock
        self.store = Store(self.clock.now)
        self.faults = Faults()
        self.quota = WindowQuota(self.clock.now, limit=100, window_s=1.0)
        self.endpoint_quota = WindowQuota(self.clock.now, limit=25, window_s=1.0)
        self.requests: deque[str] = deque(maxlen=MAX_SEEN)
        self.endpoints = StripeEndpointsFake(self._refusal, _error)
        reads = Route("/{path:path}", self._answer, methods=["GET"])
        self.app: ASGIApp = Starlette(routes=[*self.endpoints.routes, reads])
        self._key, self._version = key, version
        self._events = 0
        self._logs: defaultdict[tuple[str, str], list[Document]] = defaultdict(list)  # by API and account, oldest first

    def put(self, account: str, stripe_object: Document, event_type: str) -> Document:
        """Create or change an object, and return the event about it."""
        self.store.put(account, stripe_object["object"], stripe_object["id"], stripe_object)
        return self._event(account, event_type, stripe_object)

    def delete(self, account: str, object_type: str, object_id: str) -> Document:
        """Delete an object, and return the event about it."""
        stripe_object = self.store.get(account, object_type, object_id) or {}
        self.store.put(account, object_type, object_id, {"id": object_id, "object": object_type, "deleted": True})
        return self._event(account, f"{object_type}.deleted", stripe_object)

    def put_without_event(self, account: str, stripe_object: Document, event_type: str) -> Document:
        """Create or change an object whose event cannot be generated, and return the event that tells this afterwards."""
        self.store.put(account, stripe_object["object"], stripe_object["id"], stripe_object)
        related = {
            "id": stripe_object["id"],
            "type": stripe_object["object"],
            "url": "https://dashboard.stripe.com/made-up",
        }
        impact = {"event_type": event_type, "related_object": related} | ({"context": account} if account else {})
        event = self._thin("", FAILURE, {"data": {"alert_id": "halert_1", "impact": impact}})
        self._logs["v2", account].append(event)
        return event

    def thin(self, account: str, object_type: str, object_id: str, event_type: str) -> Document:
        """Return a thin event about an object."""
        url = f"/{_PATH_OF_OBJECT[object_type]}/{object_id}"
        related = {"id": object_id, "type": object_type, "url": url}
        event = self._thin(account, event_type, {"related_object": related})
        self._logs["v2", account].append(event)
        return event

    def events(self, account: str) -> list[Document]:
        """Return the events that the log of the first API has, oldest first."""
        horizon = (self.clock.now() - KEPT).timestamp()
        return [event for event in self._logs["v1", account] if event["created"] >= horizon]

    def _thin(self, account: str, event_type: str, content: Document) -> Document:
        self._events += 1
        return {
            "id": f"evt_{self._events}",
            "object": "v2.core.event",
            "type": event_type,
            "created": f"{self.clock.now():%Y-%m-%dT%H:%M:%S.000Z}",
            "livemode": False,
            "context": account or None,
        } | content

    def _event(self, account: str, event_type: str, stripe_object: Document) -> Document:
        self._events += 1
        event = {
            "id": f"evt_{self._events}",
            "object": "event",
            "type": event_type,
            "created": int(self.clock.now().timestamp()),
            "api_version": self._version,
            "livemode": False,
            "data": {"object": rendered(stripe_object, self._version)},
        }
        event |= {"account": account} if account else {}
        self._logs["v1", account].append(event)
        return event

    async def _answer(self, request: Request) -> Response:
        path = request.path_params["path"]
        self.requests.append(path)
        headers = request.headers
        account = (headers.get("stripe-context") or headers.get("stripe-account") or "").rpartition("/")[2]
        refusal = self._refusal(request, path, account)
        if refusal is not None:
            return refusal
        version = headers.get("stripe-version", self._version)
        if path.startswith("v2/") and "stripe-version" not in headers:
            return _error(400, "invalid_request_error", "stripe_version_required")
        if path == "v1/balance":
            return _found({"object": "balance", "available": [], "livemode": False}, version)
        listed = self._list(account, path, version, request.query_params)
        return listed or self._object(account, path, version, request.query_params)

    def _refusal(self, request: Request, path: str, account: str) -> Response | None:
        """Return why a request is not answered: a fault, a wrong key, an unknown account, or a limit."""
        match request.scope.get(FAULT):
            case "error":
                return _error(500, "api_error", "")
            case "unavailable":
                return _error(503, "api_error", "")
            case "throttled":
                return _error(429, "invalid_request_error", "lock_timeout")
        if self.faults.has_expired_token or request.headers.get("authorization") != f"Bearer {self._key}":
            return _error(401, "invalid_request_error", "api_key_expired" if self.faults.has_expired_token else "")
        if account and account not in self.store.tenants():
            return _error(403, "invalid_request_error", "account_invalid")
        endpoint = "/".join(path.split("/")[:2])
        taken = self.quota.take(account), self.endpoint_quota.take(f"{account} {endpoint}")
        return None if all(each.is_allowed for each in taken) else _error(429, "invalid_request_error", "rate_limit")

    def _list(self, account: str, path: str, version: str, query: Mapping[str, str]) -> Response | None:
        """Return a page of a list, None if the path is none."""
        if path == "v2/core/events":
            return _found(page_of_v2(self._logs["v2", account], query, path), version)
        if path == "v1/events":
            page = page_of(self.events(account), query)
        elif path in OBJECT_OF_PATH and path.startswith("v1/"):
            page = page_of(self._objects(account, OBJECT_OF_PATH[path], version, query), query)
        else:
            return None
        if isinstance(page, Missing):
            return _error(400, "invalid_request_error", "resource_missing")
        return _found(page | {"url": f"/{path}"}, version)

    def _objects(self, account: str, object_type: str, version: str, query: Mapping[str, str]) -> list[Document]:
        """Return the objects that a list shows: none that is deleted, and cancelled subscriptions only if asked for."""
        shown = self.store.documents(account, object_type, self.faults.search_lag_s).values()
        is_all = object_type != "subscription" or query.get("status") == "all"
        return [
            rendered(each, version)
            for each in shown
            if not each.get("deleted") and (is_all or each.get("status") != "canceled")
        ]

    def _object(self, account: str, path: str, version: str, query: Mapping[str, str]) -> Response:
        parent, _, last = path.rpartition("/")
        object_type, object_id = OBJECT_OF_PATH.get(parent), last
        if object_type is None:  # perhaps a list of an object
            parent, _, object_id = parent.rpartition("/")
            object_type = OBJECT_OF_PATH.get(parent)
            if object_type is None or LISTS.get(object_type) != last:
                return _error(404, "invalid_request_error", "")
        stripe_object = self.store.get(account, object_type, object_id, self.faults.read_lag_s)
        if stripe_object is None:
            code = "not_found" if path.startswith("v2/") else "resource_missing"
            return _error(404, "invalid_request_error", code)
        if object_id == last:
            return _found(rendered(stripe_object, version), version)
        return _found(_page(stripe_object, query), version)


def rendered(stripe_object: Document, version: str) -> Document:
    """Return an object as a version shows it, its list cut after the first page. The store has the newest version's form."""
    field = LISTS.get(stripe_object["object"], "")
    shown = stripe_object | ({field: _cut(stripe_object, field)} if field in stripe_object else {})
    if shown["object"] != "invoice" or version >= BASIL or "parent" not in shown:
        return shown
    details = shown.pop("parent")["subscription_details"]
    return shown | {"subscription": details["subscription"]}


def _cut(stripe_object: Document, field: str) -> Document:
    elements = stripe_object[field]
    path = f"/{_PATH_OF_OBJECT[stripe_object['object']]}/{stripe_object['id']}/{field}"
    return {"object": "list", "data": elements[:FIRST_PAGE], "has_more": len(elements) > FIRST_PAGE, "url": path}


def _page(stripe_object: Document, query: Mapping[str, str]) -> Document:
    """Return a page of an object's list."""
    elements = stripe_object[LISTS[stripe_object["object"]]]
    after, limit = query.get("starting_after"), min(int(query.get("limit", FIRST_PAGE)), MAX_LIMIT)
    start = 1 + next((index for index, element in enumerate(elements) if element["id"] == after), -1)
    page = elements[start : start + limit]
    return {"object": "list", "data": page, "has_more": start + limit < len(elements)}


def _found(document: Document, version: str) -> Response:
    return JSONResponse(document, headers={"stripe-version": version, "request-id": "req_made_up"})


def _error(status: int, error_type: str, code: str) -> Response:
    error: dict[str, Any] = {"type": error_type, "message": "a made-up message"}
    headers = {"stripe-should-retry": "true"} if status == 503 or code == "lock_timeout" else {}
    return JSONResponse({"error": error | ({"code": code} if code else {})}, status, headers)
