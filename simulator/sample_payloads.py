"""Made-up shops, issues, invoices and tickets of all seven providers, and their histories: always the same.

Only ids and times differ between runs, so a second run on the same data directory is as new as the first.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.codec import document_json
from schemas.records import Document
from simulator.posting import Post
from simulator.senders import Sender
from simulator.variation import new_delivery_id

RESOURCES = 12  # per provider; about 540 deliveries in all
DELETED_EVERY = 4
SEED = 20_261_121
STEP = timedelta(minutes=1)
NAMES = ("Lamp", "Teapot", "Chair", "Kettle", "Mirror", "Basket", "Blanket", "Clock", "Vase", "Stool", "Tray", "Bench")
STATUSES = ("draft", "active", "active", "archived")


@dataclass(frozen=True, slots=True)
class Scene:
    """One moment in the life of a resource, independent of the provider's notation: the `revision` decides the content."""

    number: int  # unique to the run and the resource
    revision: int
    moment: datetime
    verb: str = "updated"

    @property
    def title(self) -> str:
        """Return the resource's title in this revision."""
        return f"{NAMES[self.number % len(NAMES)]} no. {self.revision}"

    @property
    def status(self) -> str:
        """Return its state in this revision."""
        return STATUSES[self.revision % len(STATUSES)]

    @property
    def price(self) -> str:
        """Return its price in this revision."""
        return f"{10 + self.number % 7}.{self.revision:02d}"

    @property
    def time(self) -> str:
        """Return the moment in ISO 8601 with whole seconds, like most providers."""
        return f"{self.moment:%Y-%m-%dT%H:%M:%SZ}"

    @property
    def time_s(self) -> int:
        """Return the moment in Unix seconds."""
        return int(self.moment.timestamp())


Writer = Callable[[Scene], tuple[str, Document]]
"""A provider's notation: the event type and the body of a scene."""


def posts(senders: Mapping[str, Sender], run: int, now: datetime) -> list[Post]:
    """Return all posts in order: each resource keeps its own order, the resources are mixed."""
    chance = random.Random(SEED)  # noqa: S311 - the same story every time, no secret
    lives = [
        _life(sender, run + place * RESOURCES + number, number, now)
        for place, sender in enumerate(senders.values())
        for number in range(RESOURCES)
    ]
    strays = [[stray] for sender in senders.values() for stray in _strays(sender, run, now)]
    return list(_mixed([*lives, *strays], chance))


def _life(sender: Sender, unique: int, number: int, now: datetime) -> list[Post]:
    """Return the posts of one resource, with everything that makes deliveries difficult to use."""

    def post(revision: int, minute: float, verb: str = "updated") -> Post:
        scene = Scene(unique, revision, now - timedelta(hours=1) + STEP * minute, verb)
        return _post(sender, scene, f"{unique:x}-{revision}-{minute:g}")

    created, first, second = post(0, 0, "created"), post(1, 1), post(2, 3)
    repeated = second if number % 2 else first
    told_again = post(2, 4)  # a new delivery and a new time, the same content
    overtaken = post(3, 2)  # older than the post before it
    life = [created, first, second, repeated, told_again, overtaken]
    return [*life, post(2, 5, "deleted")] if number % DELETED_EVERY == 0 else life


def _post(sender: Sender, scene: Scene, unique: str) -> Post:
    provider = sender.provider.name
    topic, body = WRITERS[provider](scene)
    delivery_id = new_delivery_id(provider, unique)
    if provider == "stripe":
        body = {**body, "id": delivery_id}
    return Post(sender, document_json(body), topic, delivery_id)


def _strays(sender: Sender, run: int, now: datetime) -> Iterator[Post]:
    """Yield an unreadable delivery and a forged one."""
    topic, body = WRITERS[sender.provider.name](Scene(run - 1, 0, now, "created"))
    broken = b'{"run": %d, "cut off in the midd' % run
    yield Post(sender, broken, topic, new_delivery_id(sender.provider.name, f"{run:x}-unreadable"))
    forged_id = new_delivery_id(sender.provider.name, f"{run:x}-forged")
    yield Post(sender, document_json(body), topic, forged_id, is_forged=True)


def _mixed(lives: Sequence[list[Post]], chance: random.Random) -> Iterator[Post]:
    turns = [place for place, life in enumerate(lives) for _ in life]
    chance.shuffle(turns)
    remaining = [iter(life) for life in lives]
    for place in turns:
        yield next(remaining[place])


def _shopify(scene: Scene) -> tuple[str, Document]:
    topic = f"products/{scene.verb.removesuffix('d')}"
    if scene.verb == "deleted":
        return topic, {"id": scene.number}
    variants = [
        {"id": scene.number * 10 + place, "product_id": scene.number, "title": title, "price": scene.price}
        for place, title in enumerate(("Small", "Large"))
    ]
    return topic, {
        "id": scene.number,
        "admin_graphql_api_id": f"gid://shopify/Product/{scene.number}",
        "title": scene.title,
        "vendor": "Example Goods",
        "status": scene.status,
        "created_at": "2026-01-05T09:00:00Z",
        "updated_at": scene.time,
        "variants": variants,
    }


def _bigcommerce(scene: Scene) -> tuple[str, Document]:
    scope = f"store/product/{scene.verb}"
    return scope, {
        "scope": scope,
        "store_id": "1000001",
        "producer": "stores/example",
        "data": {"type": "product", "id": scene.number},
        "hash": f"{scene.number:x}{scene.time_s:x}",
        "created_at": scene.time_s,
    }


def _github(scene: Scene) -> tuple[str, Document]:
    action = {"created": "opened", "updated": "edited", "deleted": "deleted"}[scene.verb]
    return "issues", {
        "action": action,
        "issue": {
            "id": scene.number,
            "number": scene.number % 1000,
            "title": scene.title,
            "state": "open",
            "labels": [{"id": 1, "name": scene.status}],
            "created_at": "2026-01-05T09:00:00Z",
            "updated_at": scene.time,
        },
        "repository": {"id": 1, "name": "example", "full_name": "example/example"},
        "sender": {"id": 2, "login": "octavia", "type": "User"},
    }


def _stripe(scene: Scene) -> tuple[str, Document]:
    event_type = f"customer.{scene.verb}"
    customer = {
        "id": f"cus_{scene.number}",
        "object": "customer",
        "name": scene.title,
        "metadata": {"tier": scene.status},
    }
    return event_type, {
        "object": "event",
        "api_version": "2026-09-30",
        "created": scene.time_s,
        "type": event_type,
        "livemode": False,
        "data": {"object": customer},
    }


def _shopery(scene: Scene) -> tuple[str, Document]:
    event = f"order-{scene.verb}"
    order = {"id": f"ord_{scene.number}", "status": scene.status, "total": scene.price, "updated_at": scene.time}
    return event, {"event": event, "order": order}


def _standard(scene: Scene) -> tuple[str, Document]:
    event_type = f"contact.{scene.verb}"
    contact = {"id": f"con_{scene.number}", "name": scene.title, "stage": scene.status, "updated_at": scene.time}
    return event_type, {"type": event_type, "timestamp": scene.time, "data": contact}


def _generic(scene: Scene) -> tuple[str, Document]:
    ticket = {"id": scene.number, "subject": scene.title, "status": scene.status, "updated_at": scene.time}
    return f"ticket.{scene.verb}", ticket


WRITERS: Mapping[str, Writer] = {
    "shopify": _shopify,
    "bigcommerce": _bigcommerce,
    "github": _github,
    "stripe": _stripe,
    "shopery": _shopery,
    "standard": _standard,
    "generic": _generic,
}
