"""The records of a decision."""

from typing import Any, cast, get_args

import msgspec
import pytest
from msgspec.structs import replace

from schemas import codec
from schemas.records import Lineage, Outcome, OutcomeName
from streams.pipeline import Result, Writes, dead
from streams.steps.origin import lineage_headers
from streams.steps.passthrough import RawRoute
from streams.steps.routing import Route
from streams.worker.encoder import Encoder
from tests.support.builders.deliveries import ROUTES, Pipeline, delivery, second, snapshot

SCHEMAS = {name: codec.parse_schema(codec.schema_text(name)) for name in codec.SCHEMA_NAMES}


class Registry:
    """A registry with every schema."""

    def prefix(self, topic: str, name: codec.SchemaName, typed: object = None) -> bytes:  # noqa: ARG002  as the port names them
        """Return one id for all."""
        return codec.wire_prefix(1)


class Topics:
    """A Kafka on which every topic exists."""

    def __init__(self) -> None:
        self.ensured: set[str] = set()

    def ensure(self, topic: str) -> None:
        """Record the requested topic."""
        self.ensured.add(topic)


def records(*routes: Route) -> list[tuple[str, Any]]:
    """Return topic and decoded value of the records of one created product."""
    pipeline, topics = Pipeline(replace(ROUTES, routes=routes)), Topics()
    shown = delivery(snapshot({"id": 7, "title": "A", "price": 1}, version=1))
    out = Encoder(cast(Any, Registry()), cast(Any, topics), pipeline.routes).records(shown, pipeline.decide(shown), 1)
    assert topics.ensured == {record.topic for record in out}
    names = ["state" if r.topic.startswith("state.") else "change" for r in out[:-1]] + ["outcome"]
    return [(r.topic, codec.decode(r.value or b"", SCHEMAS[name])) for r, name in zip(out, names, strict=True)]  # type: ignore[index]  # names are schema names


def test_change_becomes_change_state_and_outcome() -> None:
    """The records are in this order, the outcome last."""
    topics = [topic for topic, _ in records()]

    assert topics == ["changes.scripted.product", "state.scripted.product", "deliveries.outcomes"]


def test_narrowed_change_goes_to_its_topic_and_the_state_stays_whole() -> None:
    """Fields that a route omits are not lost to others."""
    out = records(Route("whole", topic="all"), Route("prices", topic="prices", include_fields=("price",)))

    assert [(topic, value.get("after", value.get("document"))) for topic, value in out[:-1]] == [
        ("all", '{"id":7,"price":1,"title":"A"}'),
        ("prices", '{"id":7,"price":1}'),
        ("state.scripted.product", '{"id":7,"price":1,"title":"A"}'),
    ]
    assert out[0][1]["event_id"] == out[1][1]["event_id"] == out[3][1]["event_ids"][0]


def test_dead_delivery_becomes_a_letter_and_an_outcome() -> None:
    """There are no other records."""
    shown = delivery(snapshot({"id": 7}))

    out = Encoder(cast(Any, Registry()), cast(Any, Topics()), ROUTES).records(shown, dead("too_large", "why"), 1)

    assert [record.topic for record in out] == ["deliveries.dead", "deliveries.outcomes"]


def test_second_death_counts_attempts_and_keeps_the_first_time() -> None:
    """The letter and the outcome of a retry name the delivery that they answer."""
    headers = lineage_headers(Lineage("retry", "webhooks.raw-0-4", 2, second(1)), "ann", second(9))
    shown = replace(delivery(snapshot({"id": 7})), headers=headers)

    out = Encoder(cast(Any, Registry()), cast(Any, Topics()), ROUTES).records(shown, dead("too_large", "why"), 1)

    letter = codec.decode(out[0].value or b"", SCHEMAS["dead"])
    outcome = codec.decode(out[1].value or b"", SCHEMAS["outcome"])
    assert (letter["attempts"], letter["first_at"], letter["cause"]) == (2, second(1), "webhooks.raw-0-4")
    assert letter["origin"] == outcome["origin"] == "retry"
    assert outcome["cause"] == "webhooks.raw-0-4"
    assert (letter["error"], outcome["detail"]) == ("why", "why; retried by ann at 2026-01-31T12:00:09+00:00")


@pytest.mark.parametrize("name", get_args(OutcomeName))
def test_every_delivery_has_one_outcome(name: OutcomeName) -> None:
    """Every delivery is counted, also one without changes: the books cover accepted deliveries, not changes."""
    shown = delivery(snapshot({"id": 7}))
    result = Result(Outcome(name, "a_reason", "why"), (), Writes({}, {}))

    out = Encoder(cast(Any, Registry()), cast(Any, Topics()), ROUTES).records(shown, result, 1)

    told = [codec.decode(r.value or b"", SCHEMAS["outcome"]) for r in out if r.topic == "deliveries.outcomes"]
    assert [(outcome["delivery_id"], outcome["outcome"]) for outcome in told] == [(shown.delivery_id, name)]


def test_filtered_change_still_becomes_state() -> None:
    """Only `state.*` and the outcome have it."""
    out = records(Route("orders", resource="order"))

    assert [topic for topic, _ in out] == ["state.scripted.product", "deliveries.outcomes"]
    assert out[0][1]["document"] == '{"id":7,"price":1,"title":"A"}'


@pytest.mark.parametrize("is_dead", [False, True])
def test_copy_is_the_record_of_the_raw_topic(is_dead: bool) -> None:
    """Key, body and every header once, for any outcome; the outcome names its topics."""
    received = msgspec.structs.replace(delivery(snapshot({"id": 7}, version=1)), headers={"x-shopify-topic": "é"})
    raw = codec.raw_headers(received)
    shown = codec.raw_delivery(received.key.encode(), received.body, raw, ("webhooks.raw", 3, 9))
    result = dead("too_large", "why") if is_dead else Pipeline().decide(shown)
    routes = replace(ROUTES, raw=(RawRoute("copies", "copies"), RawRoute("none", "no", "x")))
    encoder = Encoder(cast(Any, Registry()), cast(Any, Topics()), routes)

    out = encoder.records(shown, result, 1)

    (copy,) = [record for record in out if record.topic == "copies"]
    assert (copy.key, copy.value) == (received.key.encode(), received.body)
    assert copy.headers is not None
    assert sorted(copy.headers) == sorted(raw)
    assert [record.headers for record in out if record is not copy] == [None] * (len(out) - 1)
    detail = codec.decode(out[-1].value or b"", SCHEMAS["outcome"])["detail"]
    assert detail == ("why; copied as received to copies" if is_dead else "copied as received to copies")
