"""How far an object has come, as data: it orders the events of one object that Stripe stamps with the same second.

One action causes several events of one second, which arrive in any order: a payment sends `invoice.updated` and `invoice.paid`. A
rank never decides between different times, and equal ranks leave the order to arrival. States between which an object moves back
and forth share a rank (a subscription is active, past due and active again), so that no return is lost, unless the way back
leaves a mark (`last_payment_error`). A terminal state has the highest rank.
Source: each object's states and their descriptions in stripe-python 16.1.0, or the page that they refer to (`Ranks.source`); for
retired objects and fields those of 2.76.0.
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from schemas.records import CREATION, Document

SDK: Final = "stripe-python 16.1.0"

# Events that tell by themselves where they belong. The request for an authorisation is sent before the authorisation exists, and
# a detached payment method can never be attached again.
EVENT_RANKS: Final[Mapping[str, int]] = {
    "issuing_authorization.request": CREATION - 1,
    "review.opened": CREATION,
    "payment_method.detached": 1,
}


class Ranks(Struct, frozen=True):
    """The ranks of one type of object: the highest counts that any of its fields gives.

    `states` ranks the values of fields; `reached` ranks fields that are empty, zero or false until a point is passed.
    """

    states: Mapping[str, Mapping[str, int]] = {}
    reached: Mapping[str, int] = {}
    source: str = SDK

    def of(self, fields: Document) -> int:
        """Return the rank of an object, 0 if none of its fields gives one."""
        rank = 0
        for field, ranks in self.states.items():
            state = fields.get(field)
            if isinstance(state, str) and ranks.get(state, 0) > rank:
                rank = ranks[state]
        for field, reached in self.reached.items():
            if reached > rank and fields.get(field):
                rank = reached
        return rank


def _stages(*stages: str) -> dict[str, int]:
    """Return a rank for each word; the words of one stage share it."""
    return {state: rank for rank, stage in enumerate(stages, 1) for state in stage.split()}


def _status(*stages: str, source: str = SDK, **reached: int) -> Ranks:
    return Ranks({"status": _stages(*stages)}, reached, source)


# The names with `source` are those of versions before 2019-02-11.
_ATTEMPT = (
    "requires_payment_method requires_source",
    "requires_confirmation",
    "requires_action requires_source_action",
    "processing",
)
_SENT_MONEY = ("processing", "posted failed canceled", "returned")

RANKS: Final[Mapping[str, Ranks]] = {
    "application_fee": Ranks(reached={"amount_refunded": 1, "refunded": 2}),
    "bank_account": _status("new", "validated verified verification_failed errored"),
    "billing.alert": _status("active inactive", "archived"),
    # A capture follows the authorisation, refunds follow the capture.
    "charge": _status("pending", "succeeded failed", captured=3, amount_refunded=4, refunded=5),
    # A delayed payment completes the session first, and is paid later.
    "checkout.session": Ranks({"status": _stages("open", "complete expired"), "payment_status": {"paid": 3}}),
    "climate.order": _status("awaiting_funds open", "confirmed", "delivered canceled"),
    "credit_note": _status("issued", "void", source="docs.stripe.com/billing/invoices/credit-notes#voiding"),
    # An inquiry (`warning_…`) can become a dispute after it was closed; a lost dispute may allow an appeal.
    "dispute": _status(
        "warning_needs_response", "warning_under_review", "warning_closed", "needs_response", "under_review",
        "appeal_needs_response", "appeal_under_review", "won lost charge_refunded prevented",
    ),
    "financial_connections.account": _status("active inactive", "disconnected"),
    "financial_connections.transaction": _status("pending", "posted void"),
    "identity.verification_session": _status(
        "requires_input", "processing", "", "verified canceled", last_error=3, redaction=5,
        source="docs.stripe.com/identity/how-sessions-work",
    ),
    # `paid` and `forgiven` stand for the status in versions without one. An uncollectible invoice can be paid or voided.
    "invoice": _status(
        "draft", "open", "", "uncollectible", "paid void", attempted=3, forgiven=4, paid=5,
        source="docs.stripe.com/billing/invoices/workflow#workflow-overview",
    ),
    "invoice_payment": _status("open", "paid canceled"),
    "issuing.authorization": _status("pending", "closed reversed expired"),
    "issuing.card": _status("active inactive", "canceled"),
    "issuing.dispute": _status("unsubmitted", "submitted", "won lost expired"),
    "issuing.token": _status("requested", "active suspended", "deleted"),
    "mandate": _status("pending", "active inactive"),
    # Of the retired Orders API, both versions.
    "order": _status("open created", "submitted paid", "processing", "complete fulfilled canceled", "returned"),
    # A failed payment returns to requires_payment_method, and names the error until the next attempt.
    "payment_intent": Ranks(
        {"status": _stages(*_ATTEMPT, "", "requires_capture", "succeeded canceled")},
        {"last_payment_error": len(_ATTEMPT) + 1},
        source="docs.stripe.com/payments/intents#intent-statuses",
    ),
    # A payout can fail although it was reported as paid before.
    "payout": Ranks(
        {"status": _stages("pending", "in_transit", "paid canceled", "", "failed"), "reconciliation_status": {"completed": 4}}
    ),
    "quote": _status("draft", "open", "accepted canceled"),
    # A refund can fail although it succeeded before.
    "refund": _status("pending requires_action", "succeeded", "failed canceled", source="docs.stripe.com/refunds#failed-refunds"),
    "reporting.report_run": _status("pending", "succeeded failed"),
    "reserve.plan": _status("active", "disabled expired"),
    "review": Ranks(reached={"closed_reason": 1}),
    "setup_intent": Ranks(
        {"status": _stages(*_ATTEMPT, "", "succeeded canceled")},
        {"last_setup_error": len(_ATTEMPT) + 1},
        source="docs.stripe.com/payments/intents#intent-statuses",
    ),
    "source": _status("pending", "chargeable", "consumed failed canceled"),
    # `trial_will_end` is sent when a trial is ended at once, in the second in which the subscription becomes active.
    "subscription": _status(
        "incomplete", "trialing", "active past_due unpaid paused", "canceled incomplete_expired",
    ),
    "subscription_schedule": _status(
        "not_started", "active", "completed released canceled",
        source="docs.stripe.com/billing/subscriptions/subscription-schedules",
    ),
    "tax.registration": _status("scheduled", "active", "expired"),
    "test_helpers.test_clock": _status("ready advancing", "internal_failure"),
    "topup": _status("pending", "succeeded failed canceled", "reversed"),
    # Before 2017-04-06 a payout was a transfer, with a payout's status.
    "transfer": _status("pending", "in_transit", "paid canceled", "failed", amount_reversed=5, reversed=6),
    "treasury.credit_reversal": _status("processing", "posted canceled"),
    "treasury.debit_reversal": _status("processing", "succeeded failed"),
    "treasury.financial_account": _status("open", "closed"),
    "treasury.inbound_transfer": _status("processing", "succeeded failed canceled", returned=3),
    "treasury.outbound_payment": _status(*_SENT_MONEY),
    "treasury.outbound_transfer": _status(*_SENT_MONEY),
}  # fmt: skip


def state_rank(event_type: str, stripe_object: Document, previous: Any) -> int:
    """Return the rank of an event's object; 0 for objects without a life cycle.

    `previous` are the event's `previous_attributes`. An event that leaves a state is not earlier than that state, even if the new
    state is (an active subscription gets a trial).
    """
    if event_type.endswith(".created"):
        return CREATION
    by_event = EVENT_RANKS.get(event_type)
    if by_event is not None:
        return by_event
    object_type = stripe_object.get("object")
    ranks = RANKS.get(object_type) if isinstance(object_type, str) else None
    if ranks is None:
        return 0
    rank = ranks.of(stripe_object)
    return max(rank, ranks.of(previous)) if isinstance(previous, dict) and "status" in previous else rank
