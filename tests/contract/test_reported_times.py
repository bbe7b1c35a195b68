"""Deliveries that people reported elsewhere as ordered wrongly or as deletions: each from the signed request to its outcome."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import msgspec
import pytest

from providers.base import Provider, Sample, SignedRequest, Verified
from providers.generic import Generic, GenericOptions
from providers.standard import Standard
from streams.steps.routing import Routes
from tests.support.builders.deliveries import Pipeline
from tests.support.builders.provider_requests import NOW, SENDERS, Sender, raw_delivery

SECRET = b"whsec_YSBtYWRlLXVwIHNlY3JldCBrZXk="
T_MS = 1_769_860_800_000  # 2026-01-31T12:00:00Z
NEW_S = 60
UNREAD = "time not read at updated_at"


class World:
    """A sender's endpoint and the pipeline behind it."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.pipeline = Pipeline(Routes({"acme": provider}))

    def post(self, body: dict[str, Any], topic: str = "", now: datetime = NOW, prefix: str = "") -> str:
        """Send a body as the provider signs it at a time; return `outcome reason`. Each post has an id of its own."""
        text = msgspec.json.encode(body)
        sample = Sample(text, topic, f"msg_{len(self.pipeline.results)}", now)
        headers = self.provider.sign(sample, SECRET)
        renamed = {name.replace("webhook-", prefix) if prefix else name: value for name, value in headers.items()}
        request = SignedRequest(renamed, text)
        assert self.provider.verify(request, [SECRET], now) == Verified(0)
        envelope = self.provider.identify("acme", request)
        self.pipeline.decide(raw_delivery(self.provider.name, envelope, request))
        return self.pipeline.outcomes[-1]


def clerk(event: str, name: str, seconds: int) -> dict[str, Any]:
    """Return an event as Clerk's documentation shows it: all times in milliseconds."""
    user = {"id": "user_1", "object": "user", "first_name": name, "updated_at": T_MS + 1000 * seconds}
    deleted = {"id": "user_1", "object": "user", "deleted": True}
    data = deleted if event == "user.deleted" else user
    return {"type": event, "object": "event", "timestamp": T_MS + 1000 * seconds, "data": data}


@pytest.mark.parametrize("prefix", ["svix-", "webhook-"])
def test_late_retry_of_an_older_update_is_stale(prefix: str) -> None:
    """Clerk: the attempt's header is newer than that of the update that is stored; the user's own time is not."""
    world = World(Standard())

    world.post(clerk("user.updated", "new", NEW_S), prefix=prefix)
    late = world.post(clerk("user.updated", "old", 0), now=NOW + timedelta(seconds=300), prefix=prefix)

    assert late == "stale older_than_stored"


@pytest.mark.parametrize("has_time", [True, False])
def test_late_retry_does_not_create_a_deleted_user_again(has_time: bool) -> None:
    """Whether the deletion has a time or not."""
    world = World(Standard())
    deletion = clerk("user.deleted", "", NEW_S + 1)
    if not has_time:
        del deletion["timestamp"]

    outcomes = [
        world.post(clerk("user.updated", "new", NEW_S)),
        world.post(deletion),
        world.post(clerk("user.updated", "old", 0), now=NOW + timedelta(seconds=300)),
        world.post(clerk("user.updated", "new", NEW_S), now=NOW + timedelta(seconds=600)),
    ]

    assert outcomes[:3] == ["changed created", "changed deleted", "stale older_than_stored"]
    assert outcomes[3].split()[0] in {"stale", "duplicate"}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_life_of_a_user_ends_the_same_in_every_order(order: Sequence[int]) -> None:
    """Each event is delivered by a later attempt than the one before it, whatever its own time."""
    world = World(Standard())
    life = [clerk("user.created", "a", 0), clerk("user.updated", "b", 5), clerk("user.deleted", "", 9)]

    for attempt, index in enumerate(order):
        world.post(life[index], now=NOW + timedelta(hours=attempt))

    (stored,) = (msgspec.msgpack.decode(row) for key, row in world.pipeline.latest.items() if b"user_1" in key)
    assert stored[3] is None


def test_without_any_time_arrival_orders() -> None:
    """The header's time is no substitute: its order is that of the attempts."""
    world = World(Standard())
    body = {"type": "invoice.paid", "data": {"id": "in_1"}}

    world.post(body | {"data": {"id": "in_1", "total": 1}}, now=NOW + timedelta(seconds=60))
    second = world.post(body | {"data": {"id": "in_1", "total": 2}}, now=NOW)

    assert second == "changed updated"
    assert world.pipeline.changes[-1].event_time is None


@pytest.mark.parametrize("sender", [sender for sender in SENDERS if sender.signs_time], ids=lambda sender: sender.name)
def test_time_of_the_attempt_is_no_time_of_the_event(sender: Sender) -> None:
    """A retry differs from the first attempt in its signed time; what the delivery says does not."""
    found = []
    for now in (NOW, NOW + timedelta(hours=9)):
        request = sender.request(now)
        envelope = sender.provider.identify("acme", request)
        found.append((envelope, sender.provider.parse(raw_delivery(sender.name, envelope, request))))

    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ("2026-01-31 12:00:09 UTC", "2026-01-31 12:00:00 UTC"),  # GitLab
        ("2026-01-31 12:00:09 +0000", "2026-01-31 12:00:00 +0000"),
        (1769860809000, 1769860800000),
        ("1769860809", "1769860800"),
        ("1769860809000", "1769860800000"),
        (1769860809000000, 1769860800000000),
        ("2026-01-31T12:00:09.123456789Z", "2026-01-31t12:00:00z"),
        ("Sat, 31 Jan 2026 12:00:09 +0000", "Sat, 31 Jan 2026 12:00:00 GMT"),
        (1769860809000, "2026-01-31 12:00:00 UTC"),
    ],
)
def test_older_update_is_stale_in_every_notation(newer: object, older: object) -> None:
    """gitlab4j#333, sentry#117968: times that were not read left the order to arrival, without a word."""
    world = World(Generic())

    world.post({"id": 7, "title": "B", "updated_at": newer}, "order.updated")
    late = world.post({"id": 7, "title": "A", "updated_at": older}, "order.updated")

    assert late == "stale older_than_stored"
    assert UNREAD not in world.pipeline.results[-1].outcome.detail


@pytest.mark.parametrize("shown", ["31/01/2026 12:00", "2026-01-31 12:00:00 CEST", 31, "", {"date": "2026-01-31"}])
def test_unreadable_time_is_in_the_outcome(shown: object) -> None:
    """With path and what was expected, in whatever the outcome is; never with the value."""
    world = World(Generic())
    body = {"id": 7, "title": "B", "updated_at": shown}

    for outcome in ("changed created", "unchanged no_difference"):
        assert world.post(body, "order.updated") == outcome
        detail = world.pipeline.results[-1].outcome.detail
        assert f"{UNREAD}: expected RFC 3339, RFC 2822 or a Unix time" in detail
        assert "31" not in detail.replace("3339", "").replace("2822", "")


def test_dead_letter_tells_of_the_unreadable_time_too() -> None:
    """Under a delivery id that was used for something else."""
    world = World(Generic())
    world.post({"id": 7, "updated_at": "soon"}, "order.updated")
    stored = world.pipeline.results.pop()

    assert world.post({"id": 7, "a": 1, "updated_at": "soon"}, "order.updated") == "dead reused_delivery_id"
    assert world.pipeline.results[-1].outcome.detail.startswith("this delivery id was decided before")
    assert world.pipeline.results[-1].outcome.detail.partition("; ")[2] == stored.outcome.detail


def test_part_that_is_deleted_does_not_delete_the_whole() -> None:
    """Standard and generic senders alike; what the event shows is the customer's new state."""
    standard, generic = World(Standard()), World(Generic())

    standard.post({"type": "customer.created", "data": {"id": "cus_1", "cards": 1}})
    generic.post({"id": "cus_1", "cards": 1}, "customer.created")

    assert standard.post({"type": "customer.card_removed", "data": {"id": "cus_1", "cards": 0}}) == "changed updated"
    assert generic.post({"id": "cus_1", "cards": 0}, "customer:card_removed") == "changed updated"
    assert standard.post({"type": "customer.deleted", "data": {"id": "cus_1"}}) == "changed deleted"
    assert generic.post({"id": "cus_1"}, "customer.customer_deleted") == "changed deleted"


@pytest.mark.parametrize("event", ["user.created", "user.create", "user-created", "userCreated", "user.user_created"])
@pytest.mark.parametrize("provider", [Generic(), Standard()], ids=lambda provider: provider.name)
def test_creation_is_the_first_of_its_second(provider: Provider, event: str) -> None:
    """The update of the same second overtook it; a part of the user that is created is an update like any other."""
    world = World(provider)

    def post(event: str, second: int, name: str) -> str:
        user = {"id": "user_1", "name": name, "updated_at": T_MS + 1000 * second}
        return world.post({"type": event, "data": user, **user}, event)

    assert post("user.updated", 1, "new") == "changed created"
    assert post(event, 1, "old") == "stale older_than_stored"
    assert post("user.card_created", 1, "newer") == "changed updated"
    assert post(event, 2, "again") == "changed updated"


def test_creation_without_a_time_is_taken_as_it_arrives() -> None:
    """Its sender may use an id again."""
    world = World(Standard())

    assert world.post({"type": "user.updated", "data": {"id": "user_1", "v": 1}}) == "changed created"
    assert world.post({"type": "user.created", "data": {"id": "user_1", "v": 2}}) == "changed updated"


def test_push_without_a_time_of_its_own_is_as_old_as_its_commits() -> None:
    """Forgejo sends no `pushed_at`: an older push that arrives later is stale."""
    world = World(
        Generic(GenericOptions(id_path="ref", time_path=("pushed_at", "head_commit.timestamp", "commits.timestamp")))
    )
    newer = {"ref": "main", "after": "b", "commits": [{"timestamp": "2026-01-31T12:00:09+01:00"}]}
    older = {"ref": "main", "after": "a", "head_commit": {"timestamp": "2026-01-31T11:59:00+01:00"}, "commits": []}

    assert world.post(newer, "push") == "changed created"
    assert world.post(older, "push") == "stale older_than_stored"


def test_volatile_fields_alone_are_no_change() -> None:
    """Several, at any depth, beside the update time."""
    options = GenericOptions(time_path="meta.changed", volatile=("views", "owner.seen_at"))
    generic, standard = World(Generic(options)), World(Standard(volatile=frozenset({"views", "owner.seen_at"})))

    def document(number: int, title: str = "A") -> dict[str, Any]:
        seen = {"name": "Ann", "seen_at": number}
        return {"id": 7, "title": title, "views": number, "owner": seen, "meta": {"changed": T_MS + number}}

    def event(number: int, title: str = "A") -> dict[str, Any]:
        return {"type": "order.updated", "data": document(number, title) | {"meta": {}, "updatedAt": T_MS + number}}

    for world, make in ((generic, document), (standard, event)):
        outcomes = [world.post(make(*shown), "order.updated") for shown in ((0,), (1,), (2, "B"))]
        assert outcomes == ["changed created", "unchanged no_difference", "changed updated"]
        assert world.pipeline.changes[-1].changed == ("/title",)
