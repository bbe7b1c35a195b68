"""Made-up shops, issues, invoices and tickets of all seven providers, and their histories: always the same.

Only ids and times differ between runs, so a second run on the same data directory is as new as the first.
"""

import itertools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from schemas.codec import document_json
from schemas.records import Document
from simulator.history import History, Kind, Resource, Scene, Turn
from simulator.posting import Post
from simulator.senders import Sender
from simulator.variation import new_delivery_id, renewed

RESOURCES = 12  # per provider; about 540 deliveries in all
DELETED_EVERY = 4
LIFE: Sequence[Kind] = ("new", "new", "new", "repeated", "unchanged", "overtaken")
STRAY: Sequence[Kind] = ("unreadable", "forged")
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
        _life(sender, Resource(next(numbers)), kinds, History(begin, STEP, RECENT, chance))
        for sender in senders.values()
        for kinds in (*(_kinds(number) for number in range(RESOURCES)), STRAY)
    ]
    return list(_mixed(lives, chance))


def _kinds(number: int) -> Sequence[Kind]:
    return (*LIFE, "deleted") if number % DELETED_EVERY == 0 else LIFE


def _life(sender: Sender, resource: Resource, kinds: Sequence[Kind], history: History) -> list[Post]:
    return [_post(sender, history.tell(resource, kind)) for kind in kinds]


def _post(sender: Sender, turn: Turn) -> Post:
    provider = sender.provider.name
    topic, document = WRITERS[provider](turn.scene)
    delivery_id = new_delivery_id(provider, f"{turn.scene.number:x}-{turn.number}")
    body = renewed(provider, document_json(document), delivery_id)
    return Post(
        sender,
        body[:-1] if turn.kind == "unreadable" else body,
        topic,
        delivery_id,
        is_forged=turn.kind == "forged",
    )


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
