"""The providers' own payloads: each lists its children, their own topics agree, and no truncated list deletes."""

from typing import Any

import msgspec
import pytest

from schemas.records import Document, RawDelivery
from streams.pipeline import Result
from streams.steps.routing import Routes
from tests.support.builders.corpora import read_corpus, shopify_payloads
from tests.support.builders.deliveries import Pipeline, real_delivery, second

SHOPIFY: dict[str, Document] = {topic: msgspec.json.decode(body) for topic, body in shopify_payloads()}
INVOICE = read_corpus("stripe/dj-stripe/tests/fixtures/invoice_in_fakefakefakefakefake0004.json")
OFFICIAL = read_corpus("stripe/openapi-fixtures/openapi/fixtures3.json")["resources"]
LATER = "2027-01-01T00:00:00Z"
PRODUCT, ORDER, CUSTOMER = "788032119674292922", "820982911946154508", "706405506930370084"
VARIANTS = ["642667041472713922", "757650484644203962"]


class Capture:
    """The pipeline, fed with the payloads of one real provider."""

    def __init__(self) -> None:
        self.pipeline = Pipeline(Routes({}))

    def shopify(self, topic: str, body: Document | None = None, at: float | None = None) -> Result:
        """Decide a Shopify payload, the sample of its topic unless another is given."""
        shown = SHOPIFY[topic] if body is None else body
        return self._decide(real_delivery("shopify", msgspec.json.encode(shown), topic, self._id()), at)

    def github(self, event: str, payload: Document) -> Result:
        """Decide a GitHub payload."""
        return self._decide(real_delivery("github", msgspec.json.encode(payload), event, self._id()), None)

    def stripe(self, event_type: str, created: int, stripe_object: Document) -> Result:
        """Decide a Stripe event."""
        event = {"id": self._id(), "object": "event", "type": event_type, "created": created}
        body = msgspec.json.encode(event | {"data": {"object": stripe_object}})
        return self._decide(real_delivery("stripe", body, event_type, self._id()), None)

    @property
    def children(self) -> list[str]:
        """Return the events of resources that have a parent, as `op type id`."""
        return [f"{c.op} {c.resource_type} {c.resource_id}" for c in self.pipeline.changes if c.parent_key is not None]

    def _id(self) -> str:
        return f"delivery-{len(self.pipeline.results)}"

    def _decide(self, shown: RawDelivery, at: float | None) -> Result:
        return self.pipeline.decide(msgspec.structs.replace(shown, event_time=None if at is None else second(at)))


# --- Shopify ---------------------------------------------------------------------------------------------------------


def test_product_lists_variants_images_and_options() -> None:
    """Each is its own resource that names the product."""
    capture = Capture()
    image, option = {"id": 5, "src": "a"}, {"id": 6, "name": "Size"}

    capture.shopify("products/update", SHOPIFY["products/update"] | {"images": [image], "options": [option]})

    assert capture.children == [*(f"c variant {v}" for v in VARIANTS), "c product_image 5", "c product_option 6"]
    assert {c.parent_key for c in capture.pipeline.changes[1:]} == {f"shopify|acme|product|{PRODUCT}"}
    assert b'"price":"19.99"' in (capture.pipeline.changes[1].after or b"")


def test_topics_of_a_variant_meet_the_variant_of_the_product() -> None:
    """`variants/in_stock` shows the same version without `inventory_item_id`: no change, and no field is removed."""
    capture = Capture()
    capture.shopify("products/update")

    same = capture.shopify("variants/in_stock")
    sold = SHOPIFY["variants/out_of_stock"] | {"inventory_quantity": 0, "updated_at": LATER}
    changed = capture.shopify("variants/out_of_stock", sold)

    assert (same.outcome.outcome, changed.outcome.outcome) == ("unchanged", "changed")
    assert set(capture.pipeline.changes[-1].changed) == {"/inventory_quantity", "/old_inventory_quantity"}
    assert b'"inventory_item_id":null' in (capture.pipeline.changes[-1].after or b"")


def test_product_of_two_thousand_variants_shows_a_hundred_and_deletes_none() -> None:
    """Beyond the first hundred Shopify sends only gids; the rest stay, until a gid is missing."""
    capture = Capture()
    capture.shopify("products/update", product(range(1, 101), range(1, 101), "2026-01-01T00:00:00Z"))

    capture.shopify("products/update", product(range(1901, 2001), range(1, 2001), "2026-01-02T00:00:00Z"))
    shown = list(capture.children)
    capture.shopify("products/update", product(range(1901, 2001), range(2, 2001), "2026-01-03T00:00:00Z"))

    assert {child[0] for child in shown} == {"c"}
    assert (len(shown), capture.children[200:]) == (200, ["d variant 1"])


def test_deleted_product_deletes_its_variants_and_a_late_one_stays_out() -> None:
    """`products/delete` holds only an id."""
    capture = Capture()
    capture.shopify("products/update")

    deleted = capture.shopify("products/delete", at=10)
    late = capture.shopify("variants/in_stock")
    again = SHOPIFY["products/update"] | {"updated_at": LATER}
    capture.shopify("products/create", again)

    assert [*deleted.outcome.event_ids] == [change.event_id for change in capture.pipeline.changes[3:6]]
    assert (late.outcome.outcome, late.outcome.reason) == ("stale", "older_than_stored")
    assert capture.children == [f"{op} variant {v}" for op in "cdc" for v in VARIANTS]


def test_order_lists_line_items_shipping_lines_fulfillments_and_refunds() -> None:
    """Children with topics of their own match the order's list, in either order, without a second event."""
    capture = Capture()
    fulfillment, refund = SHOPIFY["fulfillments/create"], SHOPIFY["refunds/create"]
    order = SHOPIFY["orders/updated"]
    in_order = {
        "fulfillments": [{name: fulfillment[name] for name in fulfillment if name != "email"} | {"seller": "A"}],
        "refunds": [refund | {"restocked": True}],
    }

    capture.shopify("orders/create", order)
    capture.shopify("fulfillments/create")
    capture.shopify("orders/updated", order | in_order | {"updated_at": LATER})
    repeated = capture.shopify("refunds/create")

    kinds = [child.rsplit(" ", 1)[0] for child in capture.children]
    assert kinds == [
        *["c order_line_item"] * len(order["line_items"]),
        "c order_shipping_line",
        "c fulfillment",
        "u fulfillment",  # the order shows a field that its own topic lacks
        "c refund",
    ]
    assert (repeated.outcome.outcome, repeated.routed_changes) == ("unchanged", ())
    assert [c.changed for c in capture.pipeline.changes if c.op == "u" and c.parent_key] == [("/seller",)]


def test_customer_lists_addresses_of_which_ten_are_shown() -> None:
    """With ten of them the list may be truncated; the sample's empty list beside a default address deletes nothing."""
    capture = Capture()
    sample = SHOPIFY["customers/update"]

    def customer(ids: range, day: int) -> Document:
        addresses = [{"id": number, "zip": "K2P"} for number in ids]
        member = {"default_address": addresses[0]} if addresses else {}
        return sample | member | {"addresses": addresses, "updated_at": f"2026-01-{day:02}T00:00:00Z"}

    capture.shopify("customers/update", customer(range(1, 6), 1))
    capture.shopify("customers/update", customer(range(3, 13), 2))
    capture.shopify("customers/update", customer(range(0), 3))
    before = list(capture.children)
    capture.shopify("customers/update", customer(range(3, 6), 4))

    assert before == [f"c customer_address {number}" for number in range(1, 13)]
    gone = capture.children[12:]
    assert sorted(gone) == sorted(f"d customer_address {number}" for number in (1, 2, *range(6, 13)))


@pytest.mark.parametrize("topic", ["products/update", "orders/updated", "customers/update"])
def test_new_events_list_no_children(topic: str) -> None:
    """The subscriber's own query shapes their body: a list may be truncated anywhere."""
    capture = Capture()
    body = msgspec.json.encode(SHOPIFY[topic])
    resource = topic.split("/", maxsplit=1)[0].removesuffix("s").capitalize()
    headers = {"shopify-topic": resource, "shopify-action": "update"}

    capture.pipeline.decide(real_delivery("shopify", body, f"{resource.lower()}/update", headers=headers))

    assert (len(capture.pipeline.changes), capture.children) == (1, [])


# --- GitHub ----------------------------------------------------------------------------------------------------------


REMOVALS = [
    ("unlabeled.with-organization", "label", "1362934389"),
    ("unassigned", "assignee", "21031067"),
    ("review_request_removed", "requested_reviewer", "5346"),
]


@pytest.mark.parametrize(("example", "kind", "child_id"), REMOVALS)
def test_removal_from_a_pull_request_counts_although_the_list_still_shows_it(
    example: str, kind: str, child_id: str
) -> None:
    """In GitHub's own examples it does. The next list that shows it restores it, one without it changes nothing."""
    capture = Capture()
    removed = read_corpus(f"github/pull_request/{example}.payload.json")
    pull = removed["pull_request"] | read_corpus("github/pull_request/labeled.payload.json")["pull_request"]
    name = f"pull_request_{kind} {pull['id']}:{child_id}"

    for action, day in (("opened", 1), (removed["action"], 2), ("edited", 3), (removed["action"], 4)):
        shown = pull | {"updated_at": f"2026-01-0{day}T00:00:00Z"}
        capture.github(f"pull_request.{action}", removed | {"action": action, "pull_request": shown})
    lists: Document = {field: [] for field in ("labels", "assignees", "requested_reviewers")}
    without = pull | lists | {"updated_at": "2026-01-05T00:00:00Z"}
    capture.github("pull_request.edited", removed | {"action": "edited", "pull_request": without})

    assert [child for child in capture.children if child[2:] == name] == [f"{op} {name}" for op in "cdcd"]
    assert len([child for child in capture.children if child[0] == "c"]) == 4


def test_label_on_two_issues_is_two_resources_and_the_label_itself_a_third() -> None:
    """Removed from one issue, it stays on the other."""
    capture = Capture()
    example = read_corpus("github/issues/assigned.payload.json")

    for issue_id, labels, day in ((1, [{"id": 9}], 1), (2, [{"id": 9}], 1), (1, [], 2)):
        issue = example["issue"] | {"id": issue_id, "labels": labels, "updated_at": f"2026-01-0{day}T00:00:00Z"}
        capture.github("issues.labeled", example | {"issue": issue})
    capture.github("label.edited", read_corpus("github/label/edited.payload.json"))

    assert [child for child in capture.children if "label" in child] == [
        "c issue_label 1:9",
        "c issue_label 2:9",
        "d issue_label 1:9",
    ]


# --- Stripe ----------------------------------------------------------------------------------------------------------


def test_invoice_lists_its_lines() -> None:
    """A line is named together with its invoice."""
    capture = Capture()

    capture.stripe("invoice.updated", 1769860800, INVOICE)

    line = INVOICE["lines"]["data"][0]["id"]
    assert capture.children == [f"c invoice_line_item {INVOICE['id']}:{line}"]


def test_page_of_lines_deletes_no_other_line() -> None:
    """`has_more` is true: lines that are not shown may be on the next page."""
    capture = Capture()
    line = INVOICE["lines"]["data"][0]
    both = INVOICE | {"lines": INVOICE["lines"] | {"data": [line, line | {"id": "il_2"}]}}
    page = INVOICE | {"lines": INVOICE["lines"] | {"data": [line], "has_more": True}}

    capture.stripe("invoice.updated", 1769860800, both)
    capture.stripe("invoice.updated", 1769860801, page)
    after_page = len(capture.children)
    capture.stripe("invoice.updated", 1769860802, INVOICE)

    assert (after_page, capture.children[2:]) == (2, [f"d invoice_line_item {INVOICE['id']}:il_2"])


def test_deleted_draft_takes_its_lines_along() -> None:
    """The preview of a coming invoice has none."""
    capture = Capture()

    capture.stripe("invoice.upcoming", 1769860799, {k: v for k, v in INVOICE.items() if k != "id"})
    capture.stripe("invoice.created", 1769860800, INVOICE)
    capture.stripe("invoice.deleted", 1769860801, INVOICE)

    assert [child.split(" ")[:2] for child in capture.children] == [
        ["c", "invoice_line_item"],
        ["d", "invoice_line_item"],
    ]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("subscription", "subscription_item"), ("credit_note", "credit_note_line_item"), ("invoice", "invoice_line_item")],
)
def test_official_fixture_lists_its_children(name: str, kind: str) -> None:
    """Stripe's own example of each object with a list."""
    capture = Capture()
    shown: dict[str, Any] = OFFICIAL[name]
    elements = next(value["data"] for value in shown.values() if isinstance(value, dict) and value.get("data"))

    capture.stripe(f"{name}.updated", 1769860800, shown)

    assert [child.split(" ")[1] for child in capture.children] == [kind] * len(elements)


def product(shown: range, named: range, updated_at: str) -> Document:
    """Return a product with these variants shown and these named."""
    variant = SHOPIFY["products/update"]["variants"][0]
    return SHOPIFY["products/update"] | {
        "updated_at": updated_at,
        "variants": [variant | {"id": number, "updated_at": "2026-01-01T00:00:00Z"} for number in shown],
        "variant_gids": [{"admin_graphql_api_id": f"gid://shopify/ProductVariant/{number}"} for number in named],
    }
