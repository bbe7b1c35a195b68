"""Made-up shops, issues, invoices and tickets of all seven providers, and their histories: always the same.

Only ids and times differ between runs, so a second run on the same data directory is as new as the first.
"""

import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from schemas.codec import document_json
from schemas.records import Document
from simulator.history import History, Kind, Resource, Scene, Turn
from simulator.posting import Post
from simulator.senders import Sender
from simulator.variation import new_delivery_id, renewed

RESOURCES = 12  # per provider; with the orders about 660 deliveries in all
ORDERS = 20  # of the shop, beside its products: what an analyst asks about first
PLACED_DAYS_AGO = (1, 2, 2, 3, 3, 3, 4, 5, 5, 6)
DELETED_EVERY = 4
LIFE: Sequence[Kind] = ("new", "new", "new", "repeated", "unchanged", "overtaken")
STRAY: Sequence[Kind] = ("unreadable", "forged")
NEWS: Sequence[Kind] = ("new", "unchanged", "deleted")  # after which the resource is another at its provider
RECENT = 2  # the repeated delivery is one of the two before
SEED = 20_261_121
STEP = timedelta(minutes=1)
NAMES = ("Lamp", "Teapot", "Chair", "Kettle", "Mirror", "Basket", "Blanket", "Clock", "Vase", "Stool", "Tray", "Bench")
STATUSES = ("draft", "active", "active", "archived")


Writer = Callable[[Scene], tuple[str, Document]]
"""A provider's notation: the event type and the body of a scene."""


def posts(senders: Mapping[str, Sender], run: int, now: datetime) -> list[Post]:
    """Return all posts in order: each resource keeps its own order, the resources are mixed."""
    chance = random.Random(SEED)  # noqa: S311 - the same story every time, no secret
    numbers = itertools.count(run)
    begin = now - timedelta(hours=1)
    lives = [
        _life(sender, writer, Resource(next(numbers)), kinds, History(begin, STEP, RECENT, chance))
        for sender in senders.values()
        for writer, kinds in _stories(sender.provider.name)
    ]
    return list(_mixed(lives, chance))


def _stories(provider: str) -> Iterator[tuple[Writer, Sequence[Kind]]]:
    """Yield the notation and the life of each resource of a provider."""
    writer = WRITERS[provider]
    for number in range(RESOURCES):
        yield writer, _kinds(number)
    yield writer, STRAY
    if provider == "shopify":
        for _ in range(ORDERS):
            yield _shopify_order, LIFE


def _kinds(number: int) -> Sequence[Kind]:
    return (*LIFE, "deleted") if number % DELETED_EVERY == 0 else LIFE


def _life(sender: Sender, writer: Writer, resource: Resource, kinds: Sequence[Kind], history: History) -> list[Post]:
    return [_post(sender, writer, history.tell(resource, kind)) for kind in kinds]


def _post(sender: Sender, writer: Writer, turn: Turn) -> Post:
    provider = sender.provider.name
    topic, document = writer(turn.scene)
    delivery_id = new_delivery_id(provider, f"{turn.scene.number:x}-{turn.number}")
    body = renewed(provider, document_json(document), delivery_id)
    return Post(
        sender,
        body[:-1] if turn.kind == "unreadable" else body,
        topic,
        delivery_id,
        is_forged=turn.kind == "forged",
        shown=_shown(turn) if turn.kind in NEWS else None,
    )


def _shown(turn: Turn) -> Document:
    """Return what a provider's API shows whose deliveries only name their resource: BigCommerce's product."""
    return {"name": _title(turn.scene), "price": Decimal(_price(turn.scene))}


def _mixed(lives: Sequence[list[Post]], chance: random.Random) -> Iterator[Post]:
    turns = [index for index, life in enumerate(lives) for _ in life]
    chance.shuffle(turns)
    remaining = [iter(life) for life in lives]
    for index in turns:
        yield next(remaining[index])


def _shopify(scene: Scene) -> tuple[str, Document]:
    topic = f"products/{scene.verb.removesuffix('d')}"
    if scene.verb == "deleted":
        return topic, {"id": scene.number}
    variants = [
        {"id": scene.number * 10 + index, "product_id": scene.number, "title": title, "price": _price(scene)}
        for index, title in enumerate(("Small", "Large"))
    ]
    return topic, {
        "id": scene.number,
        "admin_graphql_api_id": f"gid://shopify/Product/{scene.number}",
        "title": _title(scene),
        "vendor": "Example Goods",
        "status": _status(scene),
        "created_at": "2026-01-05T09:00:00Z",
        "updated_at": _time(scene),
        "variants": variants,
    }


def _shopify_order(scene: Scene) -> tuple[str, Document]:
    """Write an order of the last days; every fourth is refunded in part, and every ninth cancelled."""
    placed = datetime.fromtimestamp(scene.number // 1_000_000, UTC) - timedelta(
        days=PLACED_DAYS_AGO[scene.number % len(PLACED_DAYS_AGO)]
    )
    quantity, cents = 1 + scene.number % 3, 1_990 + scene.number % 9 * 750
    total_cents = quantity * cents
    is_refunded, is_cancelled = (scene.content > 1 and scene.number % every == 0 for every in (4, 9))
    line = {
        "id": scene.number * 10,
        "title": NAMES[scene.number % len(NAMES)],
        "quantity": quantity,
        "price": _amount(cents),
    }
    return f"orders/{scene.verb.removesuffix('d')}", {
        "id": scene.number,
        "name": f"#{1000 + scene.number % 9000}",
        "currency": "EUR",
        "financial_status": "partially_refunded" if is_refunded else "paid",
        "note": f"Revision {scene.content}",
        "total_price": _amount(total_cents),
        "current_total_price": _amount(total_cents - cents // 2 if is_refunded else total_cents),
        "cancelled_at": f"{placed:%Y-%m-%dT23:00:00Z}" if is_cancelled else None,
        "created_at": f"{placed:%Y-%m-%dT12:00:00Z}",
        "updated_at": _time(scene),
        "line_items": [line],
    }


def _bigcommerce(scene: Scene) -> tuple[str, Document]:
    scope = f"store/product/{scene.verb}"
    return scope, {
        "scope": scope,
        "store_id": "1000001",
        "producer": "stores/example",
        "data": {"type": "product", "id": scene.number},
        "hash": f"{scene.number:x}{_time_s(scene):x}",
        "created_at": _time_s(scene),
    }


def _github(scene: Scene) -> tuple[str, Document]:
    action = {"created": "opened", "updated": "edited", "deleted": "deleted"}[scene.verb]
    return "issues", {
        "action": action,
        "issue": {
            "id": scene.number,
            "number": scene.number % 1000,
            "title": _title(scene),
            "state": "open",
            "labels": [{"id": 1, "name": _status(scene)}],
            "created_at": "2026-01-05T09:00:00Z",
            "updated_at": _time(scene),
        },
        "repository": {"id": 1, "name": "example", "full_name": "example/example"},
        "sender": {"id": 2, "login": "octavia", "type": "User"},
    }


def _stripe(scene: Scene) -> tuple[str, Document]:
    event_type = f"customer.{scene.verb}"
    customer = {
        "id": f"cus_{scene.number}",
        "object": "customer",
        "name": _title(scene),
        "metadata": {"tier": _status(scene)},
    }
    return event_type, {
        "object": "event",
        "api_version": "2026-09-30",
        "created": _time_s(scene),
        "type": event_type,
        "livemode": False,
        "data": {"object": customer},
    }


def _shopery(scene: Scene) -> tuple[str, Document]:
    event = f"order-{scene.verb}"
    order = {"id": f"ord_{scene.number}", "status": _status(scene), "total": _price(scene), "updated_at": _time(scene)}
    return event, {"event": event, "order": order}


def _standard(scene: Scene) -> tuple[str, Document]:
    event_type = f"contact.{scene.verb}"
    contact = {"id": f"con_{scene.number}", "name": _title(scene), "stage": _status(scene), "updated_at": _time(scene)}
    return event_type, {"type": event_type, "timestamp": _time(scene), "data": contact}


def _generic(scene: Scene) -> tuple[str, Document]:
    ticket = {"id": scene.number, "subject": _title(scene), "status": _status(scene), "updated_at": _time(scene)}
    return f"ticket.{scene.verb}", ticket


def _title(scene: Scene) -> str:
    return f"{NAMES[scene.number % len(NAMES)]} no. {scene.content}"


def _status(scene: Scene) -> str:
    return STATUSES[scene.content % len(STATUSES)]


def _price(scene: Scene) -> str:
    return f"{10 + scene.number % 7}.{scene.content % 100:02d}"


def _amount(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _time(scene: Scene) -> str:
    """Return the moment in ISO 8601 with whole seconds, like most providers."""
    return f"{scene.moment:%Y-%m-%dT%H:%M:%SZ}"


def _time_s(scene: Scene) -> int:
    return int(scene.moment.timestamp())


WRITERS: Mapping[str, Writer] = {
    "shopify": _shopify,
    "bigcommerce": _bigcommerce,
    "github": _github,
    "stripe": _stripe,
    "shopery": _shopery,
    "standard": _standard,
    "generic": _generic,
}
