"""A life cycle of Stripe ends in the same state in whatever order its events arrive, however many of them share a second."""

from collections.abc import Iterator
from itertools import accumulate, permutations, product
from operator import itemgetter

import msgspec
import pytest

from providers.base import SignedRequest
from providers.stripe.provider import Stripe
from providers.stripe.ranks import RANKS, Ranks
from schemas import codec
from schemas.records import NO_RESOURCE, Document, RawDelivery
from streams.steps.routing import Routes
from tests.support.builders.deliveries import Pipeline
from tests.support.builders.provider_requests import raw_delivery

SECOND = 1_769_860_800

Event = tuple[str, Document]
_DISPUTE, _INTENT, _SUBSCRIPTION = "charge.dispute", "payment_intent", "customer.subscription"

# By name: the type of the object, and its events as they happened.
LIFE_CYCLES: dict[str, tuple[str, list[Event]]] = {
    "subscription": (
        "subscription",
        [
            (f"{_SUBSCRIPTION}.created", {"status": "incomplete"}),
            (f"{_SUBSCRIPTION}.trial_will_end", {"status": "trialing"}),
            (f"{_SUBSCRIPTION}.updated", {"status": "active"}),
            (f"{_SUBSCRIPTION}.deleted", {"status": "canceled"}),
        ],
    ),
    "subscription never paid": (
        "subscription",
        [
            (f"{_SUBSCRIPTION}.created", {"status": "incomplete"}),
            (f"{_SUBSCRIPTION}.updated", {"status": "incomplete", "metadata": {"step": "2"}}),
            (f"{_SUBSCRIPTION}.updated", {"status": "incomplete_expired"}),
        ],
    ),
    "paid invoice": (
        "invoice",
        [
            ("invoice.created", {"status": "draft"}),
            ("invoice.finalized", {"status": "open"}),
            ("invoice.payment_failed", {"status": "open", "attempted": True}),
            ("invoice.marked_uncollectible", {"status": "uncollectible", "attempted": True}),
            ("invoice.paid", {"status": "paid", "attempted": True}),
        ],
    ),
    "invoice before statuses": (
        "invoice",
        [
            ("invoice.created", {"paid": False, "attempted": False, "closed": False}),
            ("invoice.payment_failed", {"paid": False, "attempted": True, "closed": False}),
            ("invoice.payment_succeeded", {"paid": True, "attempted": True, "closed": True}),
        ],
    ),
    "voided invoice": (
        "invoice",
        [
            ("invoice.created", {"status": "draft"}),
            ("invoice.finalized", {"status": "open"}),
            ("invoice.voided", {"status": "void"}),
        ],
    ),
    "captured payment intent": (
        "payment_intent",
        [
            (f"{_INTENT}.created", {"status": "requires_payment_method"}),
            (f"{_INTENT}.requires_action", {"status": "requires_action"}),
            (f"{_INTENT}.amount_capturable_updated", {"status": "requires_capture"}),
            (f"{_INTENT}.succeeded", {"status": "succeeded"}),
        ],
    ),
    "failed payment intent": (
        "payment_intent",
        [
            (f"{_INTENT}.created", {"status": "requires_payment_method", "last_payment_error": None}),
            (f"{_INTENT}.requires_action", {"status": "requires_action", "last_payment_error": None}),
            (f"{_INTENT}.processing", {"status": "processing", "last_payment_error": None}),
            (f"{_INTENT}.payment_failed", {"status": "requires_payment_method", "last_payment_error": {"code": "x"}}),
        ],
    ),
    "setup intent": (
        "setup_intent",
        [
            ("setup_intent.created", {"status": "requires_confirmation"}),
            ("setup_intent.requires_action", {"status": "requires_action"}),
            ("setup_intent.succeeded", {"status": "succeeded"}),
        ],
    ),
    "charge": (
        "charge",
        [
            ("charge.pending", {"status": "pending", "captured": False, "amount_refunded": 0}),
            ("charge.succeeded", {"status": "succeeded", "captured": False, "amount_refunded": 0}),
            ("charge.captured", {"status": "succeeded", "captured": True, "amount_refunded": 0}),
            ("charge.refunded", {"status": "succeeded", "captured": True, "amount_refunded": 5}),
            ("charge.refunded", {"status": "succeeded", "captured": True, "amount_refunded": 9, "refunded": True}),
        ],
    ),
    "dispute": (
        "dispute",
        [
            (f"{_DISPUTE}.created", {"status": "warning_needs_response"}),
            (f"{_DISPUTE}.updated", {"status": "warning_under_review"}),
            (f"{_DISPUTE}.updated", {"status": "needs_response"}),
            (f"{_DISPUTE}.updated", {"status": "under_review"}),
            (f"{_DISPUTE}.closed", {"status": "won"}),
        ],
    ),
    "payout": (
        "payout",
        [
            ("payout.created", {"status": "in_transit"}),
            ("payout.updated", {"status": "in_transit", "trace_id": {"status": "pending"}}),
            ("payout.paid", {"status": "paid"}),
            ("payout.reconciliation_completed", {"status": "paid", "reconciliation_status": "completed"}),
            ("payout.failed", {"status": "failed"}),
        ],
    ),
    "refund": (
        "refund",
        [
            ("refund.created", {"status": "requires_action"}),
            ("refund.updated", {"status": "pending"}),
            ("refund.updated", {"status": "succeeded"}),
            ("refund.failed", {"status": "failed"}),
        ],
    ),
    "checkout session": (
        "checkout.session",
        [
            ("checkout.session.completed", {"status": "complete", "payment_status": "unpaid"}),
            ("checkout.session.async_payment_succeeded", {"status": "complete", "payment_status": "paid"}),
        ],
    ),
    "quote": (
        "quote",
        [
            ("quote.created", {"status": "draft"}),
            ("quote.finalized", {"status": "open"}),
            ("quote.accepted", {"status": "accepted"}),
        ],
    ),
    "credit note": (
        "credit_note",
        [
            ("credit_note.created", {"status": "issued"}),
            ("credit_note.updated", {"status": "issued", "memo": "x"}),
            ("credit_note.voided", {"status": "void"}),
        ],
    ),
    "subscription schedule": (
        "subscription_schedule",
        [
            ("subscription_schedule.created", {"status": "not_started"}),
            ("subscription_schedule.updated", {"status": "active"}),
            ("subscription_schedule.released", {"status": "released"}),
        ],
    ),
    "transfer": (
        "transfer",
        [
            ("transfer.created", {"amount_reversed": 0, "reversed": False}),
            ("transfer.updated", {"amount_reversed": 0, "reversed": False, "metadata": {"a": "b"}}),
            ("transfer.reversed", {"amount_reversed": 1, "reversed": False}),
            ("transfer.reversed", {"amount_reversed": 2, "reversed": True}),
        ],
    ),
    "top-up": (
        "topup",
        [
            ("topup.created", {"status": "pending"}),
            ("topup.succeeded", {"status": "succeeded"}),
            ("topup.reversed", {"status": "reversed"}),
        ],
    ),
    "review": (
        "review",
        [
            ("review.opened", {"open": True, "closed_reason": None}),
            ("review.closed", {"open": False, "closed_reason": "approved"}),
        ],
    ),
    "issuing authorisation": (
        "issuing.authorization",
        [
            ("issuing_authorization.request", {"status": "pending", "approved": False}),
            ("issuing_authorization.created", {"status": "pending", "approved": True}),
            ("issuing_authorization.updated", {"status": "closed", "approved": True}),
        ],
    ),
    "issuing dispute": (
        "issuing.dispute",
        [
            ("issuing_dispute.created", {"status": "unsubmitted"}),
            ("issuing_dispute.submitted", {"status": "submitted"}),
            ("issuing_dispute.closed", {"status": "lost"}),
        ],
    ),
    "outbound payment": (
        "treasury.outbound_payment",
        [
            ("treasury.outbound_payment.created", {"status": "processing"}),
            ("treasury.outbound_payment.posted", {"status": "posted"}),
            ("treasury.outbound_payment.returned", {"status": "returned"}),
        ],
    ),
    "payment method": (
        "payment_method",
        [
            ("payment_method.attached", {"customer": "cus_1"}),
            ("payment_method.detached", {"customer": None}),
        ],
    ),
    "product": (
        "product",
        [
            ("product.created", {"name": "A"}),
            ("product.updated", {"name": "B"}),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LIFE_CYCLES)
def test_any_order_of_arrival_ends_in_the_last_state(name: str) -> None:
    """With every distribution over seconds: all events in one, each in its own, and all between."""
    object_type, events = LIFE_CYCLES[name]

    for seconds in _distributions(len(events)):
        deliveries = [
            _delivery(f"evt_{index}", event_type, second, {"object": object_type} | fields)
            for index, ((event_type, fields), second) in enumerate(zip(events, seconds, strict=True))
        ]
        ends = {_end(order): [delivery.event_type for delivery in order] for order in permutations(deliveries)}

        assert ends.keys() == {codec.document_json({"id": "x_1", "object": object_type} | events[-1][1])}, seconds


@pytest.mark.parametrize(("object_type", "ranks"), RANKS.items())
def test_terminal_state_is_left_at_a_later_second_only(object_type: str, ranks: Ranks) -> None:
    """An update of the same second is stale, a later one is news: a rank is not a filter."""
    stages: list[tuple[int, Document]] = [
        *((rank, {field: state}) for field, states in ranks.states.items() for state, rank in states.items()),
        *((rank, {field: True}) for field, rank in ranks.reached.items()),
    ]
    earlier, terminal = {"object": object_type}, max(stages, key=itemgetter(0))[1]
    ended = _delivery("evt_1", "thing.updated", 0, earlier | terminal)
    tied = _delivery("evt_2", "thing.updated", 0, earlier)
    later = _delivery("evt_3", "thing.updated", 1, earlier)

    pipeline = _decided((ended, tied, later))

    assert pipeline.outcomes == ["changed created", "stale older_than_stored", "changed updated"]


def test_way_back_is_not_older_than_the_state_it_leaves() -> None:
    """An active subscription that gets a trial within the second in which it became active."""
    active = _delivery("evt_1", f"{_SUBSCRIPTION}.updated", 0, {"object": "subscription", "status": "active"})
    trial = _delivery(
        "evt_2", f"{_SUBSCRIPTION}.updated", 0, {"object": "subscription", "status": "trialing"}, {"status": "active"}
    )

    assert _decided((active, trial)).outcomes == ["changed created", "changed updated"]


def _distributions(count: int) -> Iterator[tuple[int, ...]]:
    """Return all ways to stamp events that happened in this order with whole seconds."""
    for steps in product((0, 1), repeat=count - 1):
        yield tuple(accumulate(steps, initial=0))


def _delivery(
    event_id: str, event_type: str, second: int, fields: Document, previous: Document | None = None
) -> RawDelivery:
    data = {"object": {"id": "x_1"} | fields} | ({"previous_attributes": previous} if previous else {})
    event = {"id": event_id, "type": event_type, "created": SECOND + second, "data": data}
    request = SignedRequest({}, msgspec.json.encode(event))
    return raw_delivery("stripe", Stripe().identify("acme", request), request)


def _decided(deliveries: tuple[RawDelivery, ...]) -> Pipeline:
    pipeline = Pipeline(Routes({}))
    for delivery in deliveries:
        pipeline.decide(delivery)
    return pipeline


def _end(deliveries: tuple[RawDelivery, ...]) -> bytes | None:
    """Return the stored document after these deliveries, which are about one resource."""
    (row,) = (row for key, row in _decided(deliveries).latest.items() if not key.startswith(NO_RESOURCE))
    return codec.decode_latest(row).document
