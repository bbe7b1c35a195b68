"""A change that the user's own program caused carries origin self; in doubt it does not."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from providers.authors import author_of
from providers.base import Parsed
from schemas import codec
from schemas.fetches import HEADER, FetchResult, encode_result
from schemas.records import Document, RawDelivery, Snapshot, resource_key
from schemas.writes import MAX_BYTES
from streams.pipeline import Result
from streams.steps.echoes import MAX_KEPT, MAX_KEPT_BYTES, WRITES, Echoes
from streams.steps.origin import ORIGIN
from streams.steps.routing import Route
from tests.support.builders.deliveries import (
    RESOURCE,
    ROUTES,
    SOURCE,
    START,
    Pipeline,
    Scripted,
    delivery,
    second,
    snapshot,
)
from tests.support.builders.properties import examples

DECLARED = Echoes(has_declarations=True)
KEY = resource_key(Scripted.name, SOURCE, "", RESOURCE, "7")


class Shop:
    """A pipeline that knows a product, and the time, in seconds, at which everything is received."""

    def __init__(self, echoes: Echoes = DECLARED, *routes: Route, stored: Document | None = None) -> None:
        self.pipeline = Pipeline(replace(ROUTES, routes=routes, echoes={SOURCE: echoes}))
        self.at = 0.0
        self.show(stored or {"note": "", "tags": "a", "total": 1})
        self.pipeline.results.clear()

    def declare(self, write_id: str = "", **fields: Any) -> Result:
        """Decide a declared write to the product."""
        self.at += 1
        body = msgspec.json.encode({"resource_type": RESOURCE, "resource_id": "7", **fields})
        number = len(self.pipeline.results)
        declared = RawDelivery(
            f"write-{write_id or number}", Scripted.name, SOURCE, "penstock/write", second(self.at), KEY, body,
            headers={ORIGIN: "write"},
        )  # fmt: skip
        return self.pipeline.decide(declared)

    def show(self, document: Document | None, *, headers: Mapping[str, str] | None = None) -> str:
        """Decide a delivery that shows the product, and return the origin of its change, "" for none."""
        self.at += 1
        shown = delivery(snapshot(document, self.at), delivery_id=f"shown-{self.at}")
        result = self.pipeline.decide(replace(shown, received_at=second(self.at), headers=headers or {}))
        return result.routed_changes[0].change.origin if result.routed_changes else ""


@pytest.fixture
def shop() -> Shop:
    """Return a shop whose program declares its writes."""
    return Shop()


def test_change_that_equals_a_declared_write_is_the_program_s_own(shop: Shop) -> None:
    """The declaration ends as filtered, so that the ledger adds up."""
    declared = shop.declare(values={"/note": "packed"})

    assert (declared.outcome.outcome, declared.outcome.reason) == ("filtered", "write_declared")
    assert shop.show({"note": "packed", "tags": "a", "total": 1}) == "self"


def test_write_is_used_up_by_its_change(shop: Shop) -> None:
    """Somebody else may make the same change again."""
    shop.declare(values={"/note": "packed"})
    shown = [shop.show({"note": note, "tags": "a", "total": 1}) for note in ("packed", "", "packed")]

    assert shown == ["self", "webhook", "webhook"]


@pytest.mark.parametrize(("document", "why"), [
    ({"note": "lost", "tags": "a", "total": 1}, "another value"),
    ({"note": "packed", "tags": "b", "total": 1}, "a field besides"),
    ({"note": "", "tags": "b", "total": 1}, "another field"),
    ({"tags": "a", "total": 1}, "the field is gone"),
    (None, "a deletion"),
])  # fmt: skip
def test_change_that_shows_anything_else_is_not(shop: Shop, document: Document | None, why: str) -> None:
    """The user's program would never hear of it."""
    shop.declare(values={"/note": "packed"})

    assert shop.show(document) == "webhook", why


def test_write_that_is_shown_with_what_others_did_is_used_up(shop: Shop) -> None:
    """It has come; the same value is no echo the next time."""
    shop.declare(values={"/note": "packed"})
    shown = [
        shop.show({"note": note, "tags": tags, "total": 1})
        for note, tags in (("packed", "b"), ("", "b"), ("packed", "b"))
    ]

    assert shown == ["webhook"] * 3


def test_write_that_changes_nothing_marks_nothing(shop: Shop) -> None:
    """The provider sends nothing for it, and a later change is somebody else's."""
    shop.declare(values={"/note": ""}, derived=["/total"])

    assert shop.show({"note": "", "tags": "a", "total": 2}) == "webhook"


def test_fields_that_follow_from_the_written_ones_may_change(shop: Shop) -> None:
    """Such as a total, which the program cannot know."""
    shop.declare(values={"/tags": "b"}, derived=["/total"])

    assert shop.show({"note": "", "tags": "b", "total": 2}) == "self"


def test_writes_that_one_delivery_shows_count_together(shop: Shop) -> None:
    """A provider may send one webhook for two writes; an overwritten one is used up as well."""
    shop.declare(values={"/note": "pack"})
    shop.declare(values={"/note": "packed"})
    shop.declare(values={"/tags": "b"})

    assert shop.show({"note": "packed", "tags": "b", "total": 1}) == "self"
    assert shop.show({"note": "pack", "tags": "b", "total": 1}) == "webhook"


@pytest.mark.parametrize(("waits_s", "origin"), [(598, "self"), (600, "webhook"), (86_400, "webhook")])
def test_write_waits_for_ten_minutes(shop: Shop, waits_s: int, origin: str) -> None:
    """One second passes with each delivery."""
    shop.declare(values={"/note": "packed"})
    shop.at += waits_s + 1

    assert shop.show({"note": "packed", "tags": "a", "total": 1}) == origin


def test_declaration_that_is_repeated_counts_once(shop: Shop) -> None:
    """The program may not know whether its first try arrived, even after the change has come."""
    outcomes = [shop.declare("w1", values={"/note": "packed"}).outcome.reason for _ in range(2)]
    shown = [shop.show({"note": "packed", "tags": "a", "total": 1}), shop.show({"note": "", "tags": "a", "total": 1})]
    outcomes.append(shop.declare("w1", values={"/note": "packed"}).outcome.reason)

    assert outcomes == ["write_declared", "delivery_id", "delivery_id"]
    assert [*shown, shop.show({"note": "packed", "tags": "a", "total": 1})] == ["self", "webhook", "webhook"]


def test_deletion_can_be_declared(shop: Shop) -> None:
    """It is used up like any other write."""
    shop.declare(is_deletion=True)

    assert [shop.show({"note": "x"}), shop.show(None)] == ["webhook", "self"]
    assert [shop.show({"note": "x"}), shop.show(None)] == ["webhook", "webhook"]


def test_first_sight_of_a_resource_is_no_echo() -> None:
    """It shows all of the resource, and a consumer without it would miss the rest."""
    shop = Shop()
    shop.show(None)
    shop.declare(values={"/note": "packed"})

    assert shop.show({"note": "packed"}) == "webhook"


@pytest.mark.parametrize(("written", "shown", "is_equal"), [
    (10, 10.0, True), (10.5, 10.50, True), ("10", 10, False), (None, "", False), (True, 1, False),
    ({"a": [1, 2]}, {"a": [1, 2]}, True), ([{"id": 1}, {"id": 2}], [{"id": 2}, {"id": 1}], False),
])  # fmt: skip
def test_values_are_compared_as_documents_are(shop: Shop, written: Any, shown: Any, is_equal: bool) -> None:
    """Numbers by value, everything else exactly."""
    shop.declare(values={"/tags": written})

    assert shop.show({"note": "", "tags": shown, "total": 1}) == ("self" if is_equal else "webhook")


def test_pointers_lead_into_the_document() -> None:
    """Through objects and arrays, with their escapes; a pointer covers what is below it."""
    shop = Shop(stored={"a/b": {"c": [1, {"d~e": 2}]}, "f": {"g": 1, "h": 2}})
    shop.declare(values={"/a~1b/c/1/d~0e": 3})
    shop.declare(values={"/f": {"g": 1, "h": 3}})

    assert shop.show({"a/b": {"c": [1, {"d~e": 3}]}, "f": {"g": 1, "h": 2}}) == "self"
    assert shop.show({"a/b": {"c": [1, {"d~e": 3}]}, "f": {"g": 1, "h": 3}}) == "self"


def test_declared_field_does_not_cover_one_whose_name_begins_alike(shop: Shop) -> None:
    """`/note` is not `/notes`."""
    shop.declare(values={"/note": "packed"})

    assert shop.show({"note": "packed", "notes": 1, "tags": "a", "total": 1}) == "webhook"


def test_write_of_another_resource_or_tenant_marks_nothing(shop: Shop) -> None:
    """Each declaration rests under the key of its resource."""
    shop.declare(resource_id="8", values={"/note": "packed"})
    shop.declare(resource_type="image", values={"/note": "packed"})

    assert shop.show({"note": "packed", "tags": "a", "total": 1}) == "webhook"


def test_child_is_declared_with_the_resource_that_shows_it(shop: Shop) -> None:
    """It comes on its parent's deliveries, and is a resource of its own."""
    shop.declare(
        resource_type="variant",
        resource_id="1",
        values={"/price": "2"},
        part_of={"resource_type": RESOURCE, "resource_id": "7"},
    )
    parent = snapshot({"note": "", "tags": "a", "total": 1}, 50)
    variants = [Snapshot("variant", "1", {"price": price}, second(60 + number)) for number, price in enumerate("12")]
    for number, variant in enumerate(variants):
        result = shop.pipeline.decide(delivery(parent, variant, delivery_id=f"v{number}"))

    assert [routed.change.origin for routed in result.routed_changes] == ["self"]


def test_declarations_are_bounded(shop: Shop) -> None:
    """The oldest are forgotten, in number and size; the newest is kept however large."""
    for number in range(MAX_KEPT + 5):
        shop.declare(values={"/note": f"n{number}"})
    assert shop.show({"note": "n0", "tags": "a", "total": 1}) == "webhook"

    for number in range(MAX_KEPT):
        shop.declare(values={"/note": f"{number}" * (MAX_BYTES // 2)})
    assert len(shop.pipeline.latest[WRITES + KEY.encode()]) < MAX_KEPT_BYTES + 4096
    assert shop.show({"note": "19" * (MAX_BYTES // 2), "tags": "a", "total": 1}) == "self"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"resource_type":"a"}', b"\xff", b"[" * 100_000])
def test_declaration_that_cannot_be_read_is_dead(shop: Shop, body: bytes) -> None:
    """The ingress refuses these; another producer may write them."""
    declared = RawDelivery("w", Scripted.name, SOURCE, "", START, KEY, body, headers={ORIGIN: "write"})

    assert shop.pipeline.decide(declared).outcome.reason == "unreadable"


def test_source_without_declarations_ignores_them() -> None:
    """As after its token was taken out of the configuration."""
    shop = Shop(Echoes())
    declared = shop.declare(values={"/note": "packed"})

    assert (declared.outcome.outcome, declared.outcome.reason, declared.writes.latest) == (
        "filtered",
        "write_ignored",
        {},
    )


def test_routes_select_by_origin() -> None:
    """One topic without echoes, one of echoes alone; what no route selects ends as filtered, and is stored."""
    shop = Shop(
        DECLARED,
        Route("reacts", topic="reacts", exclude_origins=frozenset({"self"})),
        Route("echoes", topic="echoes", origins=frozenset({"self"})),
    )
    shop.declare(values={"/note": "packed"})
    shop.show({"note": "packed", "tags": "a", "total": 1})
    shop.show({"note": "sent", "tags": "a", "total": 1})

    assert [routed.topics for result in shop.pipeline.results for routed in result.routed_changes] == [
        ("echoes",),
        ("reacts",),
    ]


def test_origin_is_that_of_the_delivery_otherwise(shop: Shop) -> None:
    """A retried dead letter, and what a provider posted."""
    assert shop.show({"note": "x"}, headers={ORIGIN: "retry"}) == "retry"
    assert shop.show({"note": "y"}) == "webhook"


NOTES = st.sampled_from(["", "a", "b", "c"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("declare"), st.dictionaries(st.sampled_from(["/note", "/tags"]), NOTES, min_size=1)),
        st.tuples(st.just("show"), st.tuples(NOTES, NOTES)),
        st.tuples(st.just("wait"), st.sampled_from([1, 300, 700])),
    ),
    max_size=12,
)


@settings(max_examples=examples(150), deadline=None)
@given(STEPS)
def test_echo_is_covered_by_writes_of_the_last_ten_minutes(steps: Sequence[tuple[str, Any]]) -> None:
    """Whatever happens, a change is an echo only if declared writes account for all of it, and no write accounts for two."""
    shop = Shop(stored={"note": "", "tags": ""})
    unused: list[tuple[float, dict[str, str]]] = []
    before = {"/note": "", "/tags": ""}
    echoes = 0
    for step, value in steps:
        if step == "wait":
            shop.at += value
        elif step == "declare":
            shop.declare(values=value)
            unused.append((shop.at, value))
        else:
            after = dict(zip(("/note", "/tags"), value, strict=True))
            origin = shop.show({"note": value[0], "tags": value[1]})
            changed = {pointer for pointer in after if after[pointer] != before[pointer]}
            if origin == "self":
                told = [write for write in unused if shop.at - write[0] <= 600 and write[1].items() <= after.items()]
                assert changed <= {pointer for _, values in told for pointer in values}
                unused = [write for write in unused if write not in told or write[1].items() <= before.items()]
                echoes += 1
            before = after
    assert echoes <= sum(step == "declare" for step, _ in steps)


# --- Providers that say who caused an event --------------------------------------------------------------------------


def told_by(provider: str, body: Document, echoes: Echoes, **fields: Any) -> str:
    """Return the origin of a change whose real delivery has this body, decided by the scripted provider."""
    pipeline = Pipeline(replace(ROUTES, providers={SOURCE: _Told(provider)}, echoes={SOURCE: echoes}))
    for number, note in enumerate(("old", "new")):
        text = codec.document_json({**body, "shown": note})
        shown = RawDelivery(
            f"d{number}", provider, SOURCE, "", START + timedelta(seconds=number), "root", text, **fields
        )
        result = pipeline.decide(shown)
    return result.routed_changes[0].change.origin


class _Told(Scripted, frozen=True):
    """A provider whose deliveries show one document, whatever else is in them."""

    name: str  # type: ignore[misc]  # of the provider that it stands for

    def parse(self, delivery: RawDelivery) -> Any:
        """Return the one resource."""
        document = msgspec.json.decode(delivery.body)
        return Parsed((Snapshot("thing", "1", {"note": document["shown"], "fixed": 1}, delivery.received_at),))


STRIPE = Echoes(idempotency_key_prefixes=("sync-", "bot-"))
GITHUB = Echoes(sender_ids=frozenset({7}))


@pytest.mark.parametrize(("request_part", "origin"), [
    ({"id": "req_1", "idempotency_key": "sync-1"}, "self"),
    ({"id": "req_1", "idempotency_key": "bot-1"}, "self"),
    ({"id": "req_1", "idempotency_key": "other-sync-1"}, "webhook"),
    ({"id": "req_1", "idempotency_key": None}, "webhook"),
    ("req_1", "webhook"),  # as old versions of the API have it
    (None, "webhook"),
    (7, "webhook"),
])  # fmt: skip
def test_stripe_s_requests_are_known_by_their_keys(request_part: Any, origin: str) -> None:
    """An event names the request that caused it; one that Stripe caused names none."""
    assert told_by("stripe", {"request": request_part}, STRIPE) == origin


@pytest.mark.parametrize(("previous", "origin"), [({"note": "old"}, "self"), ({"fixed": 0}, "webhook"), (None, "self")])
def test_stripe_s_event_is_an_echo_only_if_it_names_all_that_changed(previous: Any, origin: str) -> None:
    """After a lost event the next one's change shows more than its request did."""
    body = {"request": {"id": "r", "idempotency_key": "sync-1"}, "data": {"previous_attributes": previous}}

    assert told_by("stripe", body, STRIPE) == origin


@pytest.mark.parametrize(("sender", "installation", "allowed", "origin"), [
    ({"id": 7}, None, (), "self"),
    ({"id": 7}, {"id": 5}, (), "self"),
    ({"id": 8}, {"id": 5}, (), "webhook"),
    (None, {"id": 5}, (), "webhook"),
    ({"id": 7}, {"id": 5}, (5,), "self"),
    ({"id": 7}, {"id": 6}, (5,), "webhook"),
    ({"id": 8}, {"id": 5}, (5,), "webhook"),  # somebody else, where the app is installed
    ({"id": 7}, None, (5,), "webhook"),
    ({"id": "7"}, None, (), "webhook"),
])  # fmt: skip
def test_github_s_senders_are_known_by_their_ids(
    sender: Any, installation: Any, allowed: tuple[int, ...], origin: str
) -> None:
    """An installation alone says nothing: its app gets the deliveries of all who act."""
    echoes = replace(GITHUB, installation_ids=frozenset(allowed))

    assert told_by("github", {"sender": sender, "installation": installation}, echoes) == origin


def test_form_of_github_is_read_too() -> None:
    """Its hooks may send forms."""
    body = b"payload=%7B%22sender%22%3A%7B%22id%22%3A7%7D%7D"
    form = RawDelivery("d", "github", SOURCE, "", START, "k", body, "application/x-www-form-urlencoded")

    assert author_of(form).sender_id == 7


@pytest.mark.parametrize("field", ["idempotency_key", "request_id"])
def test_declared_request_of_stripe_marks_all_of_its_events(field: str) -> None:
    """One request may cause several; it is not used up."""
    pipeline = Pipeline(replace(ROUTES, providers={SOURCE: _Told("stripe")}, echoes={SOURCE: DECLARED}))
    key = resource_key("stripe", SOURCE, "", "thing", "1")
    write = msgspec.json.encode({"resource_type": "thing", "resource_id": "1", field: "mine"})
    pipeline.decide(RawDelivery("w", "stripe", SOURCE, "", START, key, write, headers={ORIGIN: "write"}))
    name = {"idempotency_key": "idempotency_key", "request_id": "id"}[field]
    for number, request in enumerate(("theirs", "mine", "mine", "theirs")):
        text = codec.document_json({"request": {name: request}, "shown": number})
        pipeline.decide(RawDelivery(f"d{number}", "stripe", SOURCE, "", second(number), key, text))

    assert [change.origin for change in pipeline.changes] == ["webhook", "self", "self", "webhook"]


def test_read_is_not_known_by_its_author() -> None:
    """It may show what others did since the event that it answers."""
    result = FetchResult("customer", "cus_1", "found", 0, 1)
    headers = {HEADER: encode_result(result).decode(), ORIGIN: "fetch"}
    body = codec.document_json({"id": "cus_1", "object": "customer", "request": {"idempotency_key": "sync-1"}})
    pipeline = Pipeline(replace(ROUTES, echoes={SOURCE: STRIPE}))
    pipeline.decide(RawDelivery("r", "stripe", SOURCE, "", START, "k", body, headers=headers))

    assert [change.origin for change in pipeline.changes] == ["fetch"]
