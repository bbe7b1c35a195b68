"""Step 4: which topic gets a change, and how much of it."""

from typing import Any

import pytest
from msgspec.structs import replace

from schemas.records import Change, Document
from streams.steps.filter import compile_filter
from streams.steps.routing import Route, RoutedChange, UnroutedChange, fanout, selects
from tests.support.builders.deliveries import ROUTES, change, delivery

DEFAULT = "changes.scripted.product"
NIKE: Document = {"id": 7, "vendor": "Nike", "price": "10.00"}
PUMA: Document = {"id": 7, "vendor": "Puma", "price": "10.00"}


def route(name: str = "route", text: str = "", include: tuple[str, ...] = (), **selectors: Any) -> Route:
    """Return a route with a filter and included fields, if any."""
    return Route(name, filter=compile_filter(text) if text else None, include_fields=include, **selectors)


def sent(shown: Change, *routes: Route, volatile: frozenset[str] = frozenset()) -> RoutedChange | UnroutedChange:
    """Return a change's destinations with these routes."""
    return fanout(shown, delivery(), replace(ROUTES, routes=routes), volatile)


def topics(shown: Change, *routes: Route) -> tuple[str, ...]:
    """Return the topics that get the whole change."""
    routed = sent(shown, *routes)
    return routed.topics if isinstance(routed, RoutedChange) else ()


def reason(shown: Change, *routes: Route) -> str:
    """Return the reason why a change has no destination."""
    unrouted = sent(shown, *routes)
    assert isinstance(unrouted, UnroutedChange)
    return unrouted.reason


# --- Selectors -------------------------------------------------------------------------------------------------------


def test_without_routes_a_change_goes_whole_to_its_default_topic() -> None:
    """No configuration is needed."""
    shown = change(None, NIKE)

    assert sent(shown) == RoutedChange(shown, (DEFAULT,))


def test_type_without_topics_of_its_own_goes_to_other() -> None:
    """A name outside the provider's table makes no topic; the change itself keeps it."""
    shown = change(None, NIKE, resource_type="surprise")

    assert sent(shown) == RoutedChange(shown, ("changes.scripted.other",))
    assert topics(shown, route("all", priority="high")) == ("changes.scripted.other.high",)


def test_selector_is_compared_with_the_type_and_not_with_the_topic() -> None:
    """So a route can select one type among those that share a topic, and the topic's name selects none."""
    shown = change(None, NIKE, resource_type="surprise")

    assert topics(shown, route("one", resource="surprise", topic="surprises")) == ("surprises",)
    assert reason(shown, route("none", resource="other")) == "no_route"


@pytest.mark.parametrize(
    ("selectors", "is_selected"),
    [
        ({}, True),
        ({"source": "acme"}, True),
        ({"source": "other"}, False),
        ({"provider": "scripted"}, True),
        ({"provider": "shopify"}, False),
        ({"resource": "product"}, True),
        ({"resource": "order"}, False),
        ({"event_type": "product.updated"}, True),
        ({"event_type": "product.created"}, False),
        ({"event_type": "product.*"}, True),
        ({"event_type": "*"}, True),
        ({"event_type": "order.*"}, False),
        ({"event_type": "product.*d"}, False),  # a star counts at the end only
        ({"operations": frozenset("c")}, True),
        ({"operations": frozenset("udr")}, False),
        ({"source": "acme", "resource": "order"}, False),
    ],
)
def test_route_selects_by_everything_it_names(selectors: dict[str, Any], is_selected: bool) -> None:
    """Unnamed properties do not matter."""
    assert selects(Route("route", **selectors), change(None, NIKE), delivery()) is is_selected


def test_every_selecting_route_gets_the_change_and_each_topic_once() -> None:
    """They are in the order of the configuration; the default topic only where a route names none."""
    routes = [route("a", topic="x"), route("b"), route("c", topic="x"), route("d", topic="y", resource="order")]

    assert topics(change(None, NIKE), *routes) == ("x", DEFAULT)


def test_change_that_no_route_selects_goes_nowhere() -> None:
    """It does not go to the default topic either."""
    assert reason(change(None, NIKE), route(resource="order")) == "no_route"


# --- Filters ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "goes"),
    [
        (None, NIKE, True),
        (None, PUMA, False),
        (PUMA, NIKE, True),
        (NIKE, PUMA, True),  # it leaves: its consumers must learn that
        (NIKE, NIKE | {"price": "11.00"}, True),
        (PUMA, PUMA | {"price": "11.00"}, False),
        (NIKE, None, True),
        (PUMA, None, False),
        (None, None, True),  # deleted and never seen: it may have matched
    ],
)
def test_filter_takes_what_matches_or_did(before: Document | None, after: Document | None, goes: bool) -> None:
    """A consumer of a filtered topic never keeps a resource that no longer matches."""
    assert bool(topics(change(before, after, ["/x"]), route(text="vendor:Nike"))) is goes


def test_each_route_is_asked_for_itself() -> None:
    """A filter does not affect another route."""
    routes = [route("a", "vendor:Nike", topic="nike"), route("b", "vendor:Puma", topic="puma"), route("c", topic="all")]

    assert topics(change(None, PUMA), *routes) == ("puma", "all")


def test_change_that_no_filter_lets_through_names_the_routes() -> None:
    """The outcome's detail names the route of the filter."""
    unrouted = sent(change(None, PUMA), route("nike", "vendor:Nike"), route("orders", resource="order"))

    assert unrouted == UnroutedChange("no_filter_matches", "not the filter of nike")


def test_now_is_when_the_delivery_was_received() -> None:
    """So a replay decides the same."""
    assert topics(change(None, {"at": "2026-01-31T11:59:59Z"}), route(text="at:<now"))
    assert not topics(change(None, {"at": "2026-01-31T12:00:01Z"}), route(text="at:<now"))


# --- Included fields -------------------------------------------------------------------------------------------------


def test_included_fields_are_all_that_a_topic_gets() -> None:
    """Before, after and changed, with the id; the event is the same event."""
    shown = change(NIKE, NIKE | {"price": "11.00", "vendor": "Puma"}, ["/price", "/vendor"])

    routed = sent(shown, route(include=("price",)))

    assert isinstance(routed, RoutedChange)
    assert (routed.change, routed.topics) == (shown, ())
    (part,) = routed.projected
    assert part.topic == DEFAULT
    assert (part.change.before, part.change.after) == (b'{"id":7,"price":"10.00"}', b'{"id":7,"price":"11.00"}')
    assert (part.change.changed, part.change.event_id, part.change.op) == (("/price",), shown.event_id, "u")


def test_change_of_no_included_field_goes_nowhere() -> None:
    """The outcome names the fields that would have counted."""
    shown = change(NIKE, PUMA, ["/vendor"])

    assert sent(shown, route(include=("price", "title"))) == UnroutedChange(
        "no_included_field_changed", "nothing changed in price, title"
    )


@pytest.mark.parametrize(("before", "after"), [(None, NIKE), (NIKE, None), (None, {"id": 7})])
def test_creation_and_deletion_always_count(before: Document | None, after: Document | None) -> None:
    """This holds for any fields: the resource itself was created or deleted."""
    routed = sent(change(before, after), route(include=("price",)))

    assert isinstance(routed, RoutedChange)
    assert len(routed.projected) == 1


@pytest.mark.parametrize(("before", "after"), [(PUMA, NIKE), (NIKE, PUMA)])
def test_coming_to_match_counts_without_an_included_field(before: Document, after: Document) -> None:
    """A consumer that never got the resource would otherwise miss it while its price stays the same."""
    routed = sent(change(before, after, ["/vendor"]), route(text="vendor:Nike", include=("price",)))

    assert isinstance(routed, RoutedChange)
    (part,) = routed.projected
    assert (part.change.op, part.change.after, part.change.changed) == ("u", b'{"id":7,"price":"10.00"}', ())


def test_volatile_field_does_not_count_though_included() -> None:
    """It is included, but is no change."""
    shown = change(NIKE | {"updated_at": 1}, PUMA | {"updated_at": 2}, ["/vendor"])

    routed = sent(shown, route(include=("price", "updated_at")), volatile=frozenset({"updated_at"}))

    assert isinstance(routed, UnroutedChange)


def test_filter_sees_fields_that_are_not_included() -> None:
    """The filter sees the whole document, a part of it is sent."""
    routed = sent(change(None, NIKE), route(text="vendor:Nike", include=("price",)))

    assert isinstance(routed, RoutedChange)
    assert [part.change.after for part in routed.projected] == [b'{"id":7,"price":"10.00"}']


def test_nested_fields_of_array_elements_are_included() -> None:
    """A variant's price, without its title."""
    before = {"id": 7, "variants": [{"id": 1, "price": "1", "title": "A"}]}
    after = {"id": 7, "variants": [{"id": 1, "price": "2", "title": "B"}]}

    routed = sent(change(before, after, ["/variants/0/price"]), route(include=("variants.price",)))

    assert isinstance(routed, RoutedChange)
    (part,) = routed.projected
    assert (part.change.after, part.change.changed) == (b'{"id":7,"variants":[{"price":"2"}]}', ("/variants/0/price",))


def test_routes_to_one_topic_share_their_fields() -> None:
    """The topic gets one record with the fields of all routes that take the change, of no others."""
    shown = change(NIKE, NIKE | {"price": "11.00", "note": "x"}, ["/price", "/note"])
    routes = [
        route("a", include=("price",)),
        route("b", include=("note",)),
        route("c", "vendor:Puma", include=("vendor",)),
    ]

    routed = sent(shown, *routes)

    assert isinstance(routed, RoutedChange)
    (part,) = routed.projected
    assert part.change.after == b'{"id":7,"note":"x","price":"11.00"}'


def test_topic_that_one_route_gives_everything_gets_it_whole() -> None:
    """There is no second record."""
    shown = change(NIKE, PUMA, ["/vendor"])

    routed = sent(shown, route("a", include=("price",)), route("b"), route("c", include=("vendor",), topic="other"))

    assert isinstance(routed, RoutedChange)
    assert routed.topics == (DEFAULT,)
    assert [part.topic for part in routed.projected] == ["other"]


# --- Lanes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("priority", "topic", "lane"),
    [
        ("high", None, f"{DEFAULT}.high"),
        ("default", None, DEFAULT),
        ("low", None, f"{DEFAULT}.low"),
        ("high", "nike.prices", "nike.prices.high"),
        ("low", "nike.prices", "nike.prices.low"),
    ],
)
@pytest.mark.parametrize("include", [(), ("price",)])
def test_lane_is_a_topic_beside_the_one_it_belongs_to(
    priority: Any, topic: str | None, lane: str, include: tuple[str, ...]
) -> None:
    """This holds for whole and projected changes."""
    routed = sent(change(None, NIKE), route(priority=priority, topic=topic, include=include))

    assert isinstance(routed, RoutedChange)
    assert (*routed.topics, *(part.topic for part in routed.projected)) == (lane,)


def test_change_takes_one_lane_of_a_topic_the_highest() -> None:
    """A consumer that reads all lanes gets it once."""
    routes = [
        route("low", priority="low"),
        route("all"),
        route("nike", "vendor:Nike", priority="high"),
        route("own", topic="own", priority="low"),
    ]

    assert topics(change(None, NIKE), *routes) == (f"{DEFAULT}.high", "own.low")
    assert topics(change(None, PUMA), *routes) == (DEFAULT, "own.low")


def test_lane_is_that_of_the_fields_that_changed() -> None:
    """`price` may be urgent where `note` is not; the topic gets the fields of both."""
    routes = [route("prices", include=("price",), priority="high"), route("notes", include=("note",), priority="low")]
    lanes = [
        [part.topic for part in routed.projected]
        for field in ("price", "note")
        if isinstance(routed := sent(change(NIKE, NIKE | {field: "x"}, [f"/{field}"]), *routes), RoutedChange)
    ]

    assert lanes == [[f"{DEFAULT}.high"], [f"{DEFAULT}.low"]]


def test_no_field_of_any_lane_changed() -> None:
    """Then the change has no destination, as without lanes."""
    routes = [route("prices", include=("price",), priority="high"), route("notes", include=("note",), priority="low")]

    assert reason(change(NIKE, NIKE | {"vendor": "x"}, ["/vendor"]), *routes) == "no_included_field_changed"


def test_nothing_is_parsed_where_no_route_asks() -> None:
    """Texts that are no JSON pass: without filter or included fields they are not parsed."""
    shown = Change("e", "u", "k", "product", "7", ("/a",), b"no JSON", b"none either", None, None)

    assert topics(shown) == (DEFAULT,)
    assert topics(shown, route(topic="x")) == ("x",)
