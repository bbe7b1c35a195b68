"""Listed children: created, changed and deleted with the list, never by one that is truncated, stale or repeated."""

import msgspec
import pytest

from schemas.records import ChildRule, Document, RawDelivery, Snapshot
from streams.pipeline import Result
from streams.steps.partial_documents import merged
from streams.steps.routing import Route, Routes
from tests.support.builders.deliveries import ROUTES, Pipeline, delivery, snapshot

RULES = (
    ChildRule("image", "images"),
    ChildRule("label", "labels", is_relation=True),
    ChildRule("line", "lines", is_relation=True),
    ChildRule("variant", "variants", is_shared=True, version="updated_at", limit=3, id_list_field="gids"),
    ChildRule("address", "addresses", limit=3, member="main"),
)


class Shop:
    """A product with lists, at a scripted provider."""

    def __init__(self, routes: Routes = ROUTES) -> None:
        self.pipeline = Pipeline(routes)

    def show(self, version: float | None, *, by: str = "", at: float | None = None, **lists: object) -> Result:
        """Decide a delivery that shows the product with these fields."""
        shown = msgspec.structs.replace(snapshot({"id": 7, **lists}, version, at), children=RULES)
        return self.decide(shown, by=by)

    def delete(self, at: float | None) -> Result:
        """Decide the product's deletion."""
        return self.decide(snapshot(None, event_time=at))

    def variant(self, version: float | None, document: Document | None, variant_id: str = "1") -> Result:
        """Decide a delivery of the variant's own topic."""
        own = snapshot(document, version, resource_id=variant_id, volatile=["updated_at"])
        return self.decide(
            msgspec.structs.replace(own, resource_type="variant", parent=("product", "7"), is_shared=True)
        )

    def decide(self, *shown: Snapshot, by: str = "") -> Result:
        """Decide a delivery of these snapshots."""
        return self.pipeline.decide(made(*shown, by=by or f"delivery-{len(self.pipeline.results)}"))

    @property
    def children(self) -> list[str]:
        """Return the events of children, in order, as `op type id`."""
        return [
            f"{c.op} {c.resource_type} {c.resource_id}" for c in self.pipeline.changes if c.resource_type != "product"
        ]


def made(*shown: Snapshot, by: str) -> RawDelivery:
    """Return a delivery of these snapshots."""
    return delivery(*shown, delivery_id=by)


def variant(variant_id: int, updated_s: int = 0, **fields: object) -> Document:
    """Return a variant in a product's list."""
    return {"id": variant_id, "updated_at": f"2026-01-31T12:00:{updated_s:02}Z", **fields}


def gids(*variant_ids: int) -> list[Document]:
    """Return the names of variants, in Shopify's form."""
    return [{"admin_graphql_api_id": f"gid://shopify/ProductVariant/{variant_id}"} for variant_id in variant_ids]


def page(*ids: int, has_more: bool = False) -> Document:
    """Return a list in Stripe's form."""
    return {"object": "list", "data": [{"id": line_id} for line_id in ids], "has_more": has_more}


# --- One list --------------------------------------------------------------------------------------------------------


def test_children_are_created_changed_and_gone_with_their_parent() -> None:
    """Each element is its own resource; one that a whole list no longer names is deleted."""
    shop = Shop()

    shop.show(1, images=[{"id": 1, "src": "a"}, {"id": 2, "src": "b"}])
    shop.show(2, images=[{"id": 1, "src": "A"}, {"id": 3, "src": "c"}])

    assert shop.children == ["c image 1", "c image 2", "u image 1", "c image 3", "d image 2"]
    changed = shop.pipeline.changes[4]
    assert (changed.before, changed.after, changed.changed) == (b'{"id":1,"src":"a"}', b'{"id":1,"src":"A"}', ("/src",))


def test_child_names_its_parent_and_has_its_version() -> None:
    """The parent's version applies where it has none of its own; a deletion has none, the parent's orders it."""
    shop = Shop()

    shop.show(1, images=[{"id": 1}])
    shop.show(2, images=[])

    created, gone = shop.pipeline.changes[1], shop.pipeline.changes[3]
    assert {created.parent_key, gone.parent_key} == {"scripted|acme||product|7"}
    assert created.resource_key == gone.resource_key == "scripted|acme||image|1"
    assert (created.version, gone.version, gone.event_time) == (
        shop.pipeline.changes[0].version,
        None,
        shop.pipeline.changes[2].version,
    )


def test_outcome_of_the_delivery_is_one_and_names_all_events() -> None:
    """One delivery has one outcome, whatever its children's events."""
    shop = Shop()

    result = shop.show(1, images=[{"id": 1}, {"id": 2}])

    assert (result.outcome.outcome, result.outcome.reason) == ("changed", "created")
    assert result.outcome.event_ids == tuple(routed.change.event_id for routed in result.routed_changes)
    assert [routed.topics for routed in result.routed_changes] == [
        ("changes.scripted.product",),
        *[("changes.scripted.image",)] * 2,
    ]


def test_relation_is_named_together_with_its_parent() -> None:
    """One label on two products is two resources."""
    shop = Shop()

    shop.show(1, labels=[{"id": 1}])

    assert shop.children == ["c label 7:1"]


def test_child_that_is_shown_as_stored_costs_no_row() -> None:
    """This holds whether the elements around it change or the whole list stays."""
    shop = Shop()
    shop.show(1, images=[{"id": 1}, {"id": 2}])

    one = shop.show(2, images=[{"id": 1}, {"id": 2, "src": "b"}])
    none = shop.show(3, title="B", images=[{"id": 1}, {"id": 2, "src": "b"}])

    assert sorted(one.writes.latest) == [b"scripted|acme||image|2", b"scripted|acme||product|7"]
    assert sorted(none.writes.latest) == [b"scripted|acme||product|7"]
    assert shop.children == ["c image 1", "c image 2", "u image 2"]


def test_child_whose_volatile_field_alone_differs_is_stored_without_an_event() -> None:
    """Every resource follows this rule."""
    shop = Shop()
    rule = (ChildRule("variant", "variants", version="updated_at"),)

    for number in (1, 2):
        shown = snapshot({"variants": [variant(1, number)]}, number, volatile=["updated_at"])
        shop.decide(msgspec.structs.replace(shown, children=rule))

    assert shop.children == ["c variant 1"]
    assert b"12:00:02Z" in shop.pipeline.latest[b"scripted|acme||variant|1"]


@pytest.mark.parametrize("broken", [None, "text", 5, {}, {"a": 1}, [1], [{}], [{"id": None}], [{"id": 1}, {"id": 1}]])
def test_list_that_cannot_be_read_says_nothing(broken: object) -> None:
    """It neither deletes unnamed children nor raises; the next good list is compared again."""
    shop = Shop()
    shop.show(1, images=[{"id": 1}, {"id": 2}])

    shop.show(2, images=broken)
    shop.show(3)
    shop.show(4, images=[{"id": 1}])

    assert shop.children == ["c image 1", "c image 2", "d image 2"]


def test_switched_off_only_the_parent_changes() -> None:
    """Switched on again, all changes are made up for, deletions in the meantime included."""
    shop = Shop()
    shop.show(1, images=[{"id": 1}, {"id": 2}])

    shop.pipeline.routes = Routes(ROUTES.providers, children=False)
    shop.show(2, images=[{"id": 2, "src": "b"}, {"id": 3}])
    off = list(shop.children)
    shop.pipeline.routes = ROUTES
    shop.show(3, images=[{"id": 2, "src": "b"}])

    assert off == ["c image 1", "c image 2"]
    assert shop.children == [*off, "u image 2", "d image 1"]


def test_paused_children_are_made_up_for_when_the_parent_shows_them_next() -> None:
    """This holds even if the list itself did not change, and for deletions in the meantime; other children continue."""
    shop = Shop()
    shop.show(1, images=[{"id": 1}, {"id": 2}])

    shop.pipeline.routes = Routes(ROUTES.providers, paused=frozenset({("acme", None, "image")}))
    shop.show(2, images=[{"id": 1, "src": "A"}, {"id": 3}], labels=[{"id": 9}])
    shop.show(3, images=[{"id": 1, "src": "A"}, {"id": 3}], labels=[{"id": 9}])
    held = list(shop.children)
    shop.pipeline.routes = ROUTES
    shop.show(4, title="x", images=[{"id": 1, "src": "A"}, {"id": 3}], labels=[{"id": 9}])

    assert held == ["c image 1", "c image 2", "c label 7:9"]
    assert shop.children == [*held, "u image 1", "c image 3", "d image 2"]


def test_children_of_a_paused_parent_wait_with_it() -> None:
    """They come with its deliveries; a child with a topic of its own is not paused by its parent."""
    shop = Shop()
    shop.show(1, images=[{"id": 1}])

    shop.pipeline.routes = Routes(ROUTES.providers, paused=frozenset({("acme", None, "product")}))
    shop.show(2, images=[{"id": 2}])
    shop.variant(2, variant(1))
    held = list(shop.children)
    shop.pipeline.routes = ROUTES
    shop.show(3, images=[{"id": 2}])

    assert held == ["c image 1", "c variant 1"]
    assert shop.children == [*held, "c image 2", "d image 1"]


def test_deleted_parent_takes_its_paused_children_with_it() -> None:
    """No later delivery could report their deletion."""
    shop = Shop()
    shop.show(1, images=[{"id": 1}])
    shop.pipeline.routes = Routes(ROUTES.providers, paused=frozenset({("acme", None, "image")}))

    shop.delete(2)

    assert shop.children == ["c image 1", "d image 1"]


def test_routes_choose_children_like_any_resource() -> None:
    """A route about images takes the images of a product that no route takes."""
    shop = Shop(Routes(ROUTES.providers, (Route("images", resource="image"),)))

    result = shop.show(1, images=[{"id": 1}])

    assert shop.children == ["c image 1"]
    assert (result.outcome.outcome, len(result.outcome.event_ids)) == ("changed", 1)


# --- Lists that are cut ----------------------------------------------------------------------------------------------


def test_child_on_a_later_page_is_not_gone() -> None:
    """`has_more`: children that are not on this page may be on the next."""
    shop = Shop()
    shop.show(1, lines=page(1, 2))

    shop.show(2, lines=page(3, has_more=True))

    assert shop.children == ["c line 7:1", "c line 7:2", "c line 7:3"]


def test_first_whole_list_after_a_cut_one_tells_what_is_gone() -> None:
    """This includes children that the truncated list before it did not name."""
    shop = Shop()
    shop.show(1, lines=page(1, 2))
    shop.show(2, lines=page(3, has_more=True))

    shop.show(3, lines=page(3))

    assert shop.children[3:] == ["d line 7:1", "d line 7:2"]


def test_child_that_comes_back_into_a_cut_list_is_not_created_again() -> None:
    """The child was in the index all the time."""
    shop = Shop()
    shop.show(1, lines=page(1, 2))
    shop.show(2, lines=page(2, has_more=True))

    shop.show(3, lines=page(1, has_more=True))

    assert shop.children == ["c line 7:1", "c line 7:2"]


def test_variants_beyond_the_limit_are_not_gone_while_the_roster_names_them() -> None:
    """Shopify shows the first hundred and names all."""
    shop = Shop()
    shop.show(1, variants=[variant(1), variant(2), variant(3)], gids=gids(1, 2, 3))

    shop.show(2, variants=[variant(4), variant(5), variant(6)], gids=gids(1, 2, 3, 4, 5, 6))
    more = list(shop.children)
    shop.show(3, variants=[variant(4), variant(5), variant(6)], gids=gids(1, 3, 4, 5, 6))

    assert more == [f"c variant {number}" for number in range(1, 7)]
    assert shop.children == [*more, "d variant 2"]


@pytest.mark.parametrize(
    "id_list_field", [{}, {"gids": None}, {"gids": []}, {"gids": gids(4, 5)}, {"gids": [{"x": 1}]}]
)
def test_full_list_without_a_roster_of_all_deletes_nothing(id_list_field: Document) -> None:
    """A list as long as the limit may have been cut."""
    shop = Shop()
    shop.show(1, variants=[variant(1), variant(2)], gids=gids(1, 2))

    shop.show(2, variants=[variant(4), variant(5), variant(6)], **id_list_field)

    assert [child for child in shop.children if child.startswith("d")] == []


def test_list_without_the_member_that_it_must_hold_deletes_nothing() -> None:
    """Shopify's own sample shows a default address and an empty list of addresses."""
    shop = Shop()
    shop.show(1, addresses=[{"id": 1}, {"id": 2}], main={"id": 1})

    shop.show(2, addresses=[], main={"id": 1})
    none = list(shop.children)
    shop.show(3, addresses=[{"id": 1}], main={"id": 1})
    shop.show(4, addresses=[], main=None)

    assert none == ["c address 1", "c address 2"]
    assert shop.children == [*none, "d address 2", "d address 1"]


# --- Old, repeated and overtaken deliveries --------------------------------------------------------------------------


def test_stale_parent_leaves_children_alone() -> None:
    """An older product neither restores deleted children, deletes new ones, nor changes any."""
    shop = Shop()
    shop.show(2, images=[{"id": 2, "src": "b"}])

    result = shop.show(1, images=[{"id": 1}, {"id": 2, "src": "a"}])

    assert (result.outcome.outcome, result.writes.latest, shop.children) == ("stale", {}, ["c image 2"])


def test_repeated_parent_leaves_children_alone() -> None:
    """A retry arrives after the children have changed."""
    shop = Shop()
    shop.show(1, images=[{"id": 1}], by="x")
    shop.show(2, images=[])

    shop.show(1, images=[{"id": 1}], by="x")

    assert shop.children == ["c image 1", "d image 1"]


def test_flips_within_one_second_have_ids_of_their_own() -> None:
    """A, B and A again: three events of the child, three ids."""
    shop = Shop()

    for src in "ABAB":
        shop.show(1, images=[{"id": 1, "src": src}])

    ids = [change.event_id for change in shop.pipeline.changes]
    assert shop.children == ["c image 1", *["u image 1"] * 3]
    assert len(set(ids)) == len(ids)


def test_children_without_any_version_follow_the_event_time() -> None:
    """Most of Stripe: the parent's event time orders, and theirs with it."""
    shop = Shop()

    shop.show(None, at=2, lines=page(1))
    shop.show(None, at=1, lines=page(1, 2))
    shop.show(None, at=3, lines=page())

    assert shop.children == ["c line 7:1", "d line 7:1"]


# --- Topics of their own ---------------------------------------------------------------------------------------------


def test_list_and_own_topic_do_not_double_a_change() -> None:
    """In either order; the second finds no difference, although each shows fields that the other lacks."""
    shop = Shop()
    shop.show(1, variants=[variant(1, 1, price="1", sku=None)])

    shop.variant(2, variant(1, 2, price="2", weight=5))
    shop.show(2, variants=[variant(1, 2, price="2", sku=None)])
    shop.show(3, variants=[variant(1, 3, price="3", sku=None)])
    shop.variant(3, variant(1, 3, price="3", weight=5))

    assert shop.children == ["c variant 1", "u variant 1", "u variant 1"]
    last = shop.pipeline.changes[-1]
    assert msgspec.json.decode(last.after or b"") == variant(1, 3, price="3", sku=None, weight=5)


def test_list_that_shows_an_older_child_than_its_own_topic_is_stale_for_it() -> None:
    """The product was made before the variant changed; the next list makes up for it."""
    shop = Shop()
    shop.show(1, variants=[variant(1, 1, price="1")])
    shop.variant(5, variant(1, 5, price="5"))

    shop.show(4, variants=[variant(1, 1, price="1")])
    shop.show(6, variants=[variant(1, 6, price="6")])

    prices = [
        msgspec.json.decode(c.after or b"")["price"] for c in shop.pipeline.changes if c.resource_type == "variant"
    ]
    assert prices == ["1", "5", "6"]


def test_same_list_after_the_own_topic_went_on_is_looked_at_again() -> None:
    """The element is the same as in the last list, but differs from the stored one."""
    shop = Shop()
    shop.show(1, variants=[variant(1, 1, stock=5)])
    shop.variant(1, variant(1, 1, stock=0))

    shop.show(2, title="B", variants=[variant(1, 1, stock=5)])

    stocks = [
        msgspec.json.decode(c.after or b"")["stock"] for c in shop.pipeline.changes if c.resource_type == "variant"
    ]
    assert stocks == [5, 0, 5]


def test_child_shown_later_than_the_list_was_made_does_not_vanish() -> None:
    """A fulfillment's own delivery overtook the order's; the list after it decides."""
    shop = Shop()
    shop.show(1, variants=[variant(2)])
    shop.variant(5, variant(1, 5))

    shop.show(4, variants=[variant(2)])
    before = list(shop.children)
    shop.show(6, variants=[variant(2)])

    assert before == ["c variant 2", "c variant 1"]
    assert shop.children == [*before, "d variant 1"]


# --- Deleted parents -------------------------------------------------------------------------------------------------


def test_deleting_the_parent_deletes_every_known_child() -> None:
    """Listed, listed once and truncated since, shown by a topic of its own: all that still exist."""
    shop = Shop()
    shop.show(1, images=[{"id": 1}, {"id": 2}], lines=page(1, 2))
    shop.show(2, images=[{"id": 2}], lines=page(2, has_more=True))
    shop.variant(3, variant(8, 3), "8")

    result = shop.delete(at=5)

    assert shop.children[-4:] == ["d image 2", "d line 7:1", "d line 7:2", "d variant 8"]
    assert (result.outcome.reason, len(result.outcome.event_ids)) == ("deleted", 5)


def test_parent_never_seen_takes_the_children_known_by_their_own_topics_with_it() -> None:
    """The index needs no row of the parent."""
    shop = Shop()
    shop.variant(1, variant(1))

    shop.delete(at=5)

    assert shop.children == ["c variant 1", "d variant 1"]


def test_children_of_children_go_too() -> None:
    """A deletion descends through all levels of children."""
    shop = Shop()
    shop.show(1, images=[{"id": 1}])
    crop = msgspec.structs.replace(snapshot({"id": 5}, 1, resource_id="5"), resource_type="crop", parent=("image", "1"))
    shop.decide(crop)

    shop.delete(at=5)

    assert shop.children == ["c image 1", "c crop 5", "d image 1", "d crop 5"]


def test_deleting_twice_deletes_children_once() -> None:
    """Two subscriptions again."""
    shop = Shop()
    shop.show(1, images=[{"id": 1}])

    shop.delete(at=5)
    shop.delete(at=6)

    assert shop.children == ["c image 1", "d image 1"]


def test_parent_created_again_creates_its_children_again() -> None:
    """This includes children whose own update time is older than the deletion."""
    shop = Shop()
    shop.show(1, images=[{"id": 1}], variants=[variant(1, 1)])
    shop.delete(at=5)

    shop.show(6, images=[{"id": 1}], variants=[variant(1, 1)])
    shop.delete(at=7)

    assert shop.children == [
        *("c image 1", "c variant 1", "d image 1", "d variant 1"),
        *("c image 1", "c variant 1", "d image 1", "d variant 1"),
    ]


@pytest.mark.parametrize("variant_id", ["1", "9"])
def test_late_delivery_of_a_child_does_not_outlive_its_parent(variant_id: str) -> None:
    """A child shown before the parent's deletion, in the index or not, stays deleted; one shown after it counts."""
    shop = Shop()
    shop.show(1, variants=[variant(1, 1)])
    shop.delete(at=5)

    late = shop.variant(4, variant(int(variant_id), 4), variant_id)
    later = shop.variant(6, variant(int(variant_id), 6), variant_id)

    assert (late.outcome.outcome, later.outcome.outcome) == ("stale", "changed")


# --- Many ------------------------------------------------------------------------------------------------------------


def test_two_thousand_children_come_and_go_in_one_delivery_each() -> None:
    """Every event once, the index in rows of a hundred, read whole at the end."""
    shop = Shop()

    shop.show(1, images=[{"id": number} for number in range(2_000)])
    shop.show(2, images=[{"id": number} for number in range(1, 2_001)])
    result = shop.delete(at=5)

    assert len(result.outcome.event_ids) == 2_001
    assert len({change.event_id for change in shop.pipeline.changes}) == len(shop.pipeline.changes) == 2 + 2_001 + 2_002
    assert max(len(row) for key, row in shop.pipeline.latest.items() if key.startswith(b"\0")) < 3_000


@pytest.mark.parametrize(
    ("stored", "shown", "result"),
    [
        ({"a": 1, "b": 1}, {"a": 2}, {"a": 2, "b": 1}),
        ({"a": 1}, {"a": None}, {"a": None}),
        ({"a": {"x": 1, "y": 1}}, {"a": {"x": 2}}, {"a": {"x": 2, "y": 1}}),
        ({"a": [{"id": 1, "x": 1}, {"id": 2}]}, {"a": [{"id": 1, "y": 1}]}, {"a": [{"id": 1, "x": 1, "y": 1}]}),
        ({"a": [1, 2]}, {"a": [1]}, {"a": [1]}),
        ({"a": {"x": 1}}, {"a": []}, {"a": []}),
        ({"a": {"id": 1, "x": 1}}, {"a": {"id": 2, "y": 1}}, {"a": {"id": 2, "y": 1}}),
        ({"a": {"id": 1, "x": 1}}, {"a": {"id": "1", "y": 1}}, {"a": {"id": "1", "x": 1, "y": 1}}),
        ({"a": {"id": 1, "x": 1}}, {"a": {"y": 1}}, {"a": {"id": 1, "x": 1, "y": 1}}),
        ({"id": "old", "x": 1}, {"id": "new"}, {"id": "new", "x": 1}),
    ],
)
def test_merged_keeps_what_is_not_shown(stored: Document, shown: Document, result: Document) -> None:
    """A field that only the other side shows stays; an element that is no longer shown is deleted."""
    assert msgspec.json.decode(merged(msgspec.json.encode(stored), msgspec.json.encode(shown))) == result
