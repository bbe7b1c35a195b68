"""Whether every accepted delivery is decided, once and correctly."""

from contextlib import closing

from streams.steps.routing import Routes
from tests.containers.composed import SECRET, SETTLED_S, Composed
from tests.support.oracle.ledger import Ledger, OutcomeCount, assert_adds_up, recompute
from tests.support.oracle.traffic import SECRET as SIGNED_WITH
from tests.support.oracle.traffic import Traffic
from tests.support.waiting import until

PER_S = 50

assert SIGNED_WITH == SECRET, "the traffic signs with what the stack is given"


def traffic(stack: Composed, source: str, seed: int = 1) -> Traffic:
    """Return a shop that posts to the stack."""
    return Traffic(stack.ingress_port, source, PER_S, seed)


def assert_all_decided(stack: Composed, source: str, accepted: set[str]) -> Ledger:
    """Wait until every accepted delivery of a source has its outcome, and compare all of them with a recomputation."""
    try:
        until(lambda: accepted <= kept(stack, source), SETTLED_S, "all that was answered 200 is on Kafka")
    except AssertionError as error:
        missing = sorted(accepted - kept(stack, source))
        raise AssertionError(f"{error}; missing: {missing}\n{stack.logs()}") from error
    with closing(OutcomeCount(stack.kafka, stack.registry, source)) as outcomes:
        raw = len(Ledger.read_raw(stack.kafka, source))
        until(lambda: outcomes() >= raw, SETTLED_S, f"{raw} outcomes")
    ledger = Ledger.read(stack.kafka, stack.registry, source)
    assert_adds_up(ledger, recompute(ledger.raw, Routes({})))
    return ledger


def kept(stack: Composed, source: str) -> set[str]:
    """Return the ids of the deliveries that are on Kafka."""
    return {delivery.delivery_id for delivery in Ledger.read_raw(stack.kafka, source)}
