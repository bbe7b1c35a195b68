"""The records with which a person brings forward, or ends, what waits."""

from msgspec.structs import replace

from broker.outgoing import Record
from config.model import Configuration
from console.pending.acting import end_records, urgent_records, urgent_request
from console.pending.waiting import Waiting, joined
from schemas import codec
from schemas.fetches import HEADER, Standing, decode_request, decode_result
from schemas.records import RawDelivery
from schemas.topics import RAW
from streams.pipeline import Tables, process
from streams.steps.routing import Routes
from streams.worker.settings import compiled_routes
from tests.support.builders.deliveries import second
from tests.support.builders.pending_records import key_of, record

KEY = "bigcommerce|shop|s1|product|7"
BODY = (
    b'{"scope":"store/product/updated","store_id":"1","data":{"type":"product","id":7},"hash":"h",'
    b'"created_at":1600000000,"producer":"stores/s1"}'
)
REFUSED = Standing(4, codec.time_us(second(600)) or 0, "status 503")


def routes(hydrate: str = "auto") -> Routes:
    """Return the routes of a configuration that reads products of the store s1."""
    source = {
        "name": "shop",
        "provider": "bigcommerce",
        "secrets": ["text:made-up"],
        "api_tokens": {"s1": "text:token"},
        "hydrate": hydrate if hydrate in {"auto", "never"} else [hydrate],
    }
    return compiled_routes(Configuration.model_validate({"sources": [source]}))


def callback(offset: int) -> RawDelivery:
    """Return a callback of BigCommerce about the product, as it stands on the raw topic."""
    return RawDelivery(
        f"id-{offset}",
        "bigcommerce",
        "shop",
        "store/product/updated",
        second(offset),
        KEY,
        BODY,
        topic=RAW,
        partition=0,
        offset=offset,
        tenant="s1",
    )


def waiting(*offsets: int) -> Waiting:
    """Return what waits: callbacks at these offsets, whose read has failed four times."""
    (one,) = joined([(key_of(offset), record(offset)) for offset in offsets], lambda _keys: {KEY: REFUSED})
    return one


def test_urgent_request_is_the_worker_s_own() -> None:
    """It is what the worker asked for, for all deliveries, with the tries so far, and urgent."""
    asked = process(callback(2), Tables(_Empty(), _Empty()), routes()).request
    assert asked is not None

    assert urgent_request(callback(2), waiting(1, 2), routes()) == replace(
        asked, since_us=codec.time_us(second(1)) or 0, attempts=4, is_urgent=True
    )


def test_resource_that_is_not_read_is_not_asked_for() -> None:
    """The configuration may have changed since; the others are asked for."""
    assert urgent_request(callback(2), waiting(2), routes("never")) is None
    assert urgent_request(callback(2), waiting(2), routes("order")) is None
    assert urgent_request(replace(callback(2), body=b"broken"), waiting(2), routes()) is None

    (asked,) = urgent_records("capture", [waiting(2)], [callback(2)], routes())
    assert (asked.topic, asked.key) == ("penstock.capture.fetches", b"bigcommerce|shop|s1")
    assert decode_request(asked.value or b"").is_urgent


def test_what_is_given_up_ends_as_dead_letters() -> None:
    """A failed read on the partition of what waits, up to the newest delivery, with who, when and why."""
    letter, standing = end_records("capture", [waiting(1, 2)], "the store\nis closed", "ann", second(60))
    result = decode_result(dict(letter.headers or ())[HEADER])

    assert (letter.topic, letter.partition, letter.key) == (RAW, 0, KEY.encode())
    assert (result.status, result.answers, result.attempts) == ("failed", 2, 4)
    assert result.detail == f"given up by ann at {second(60):%Y-%m-%dT%H:%M:%SZ}: the store\nis closed"
    assert standing == Record("penstock.capture.fetch-standings", KEY.encode(), None)


def test_reason_is_bounded() -> None:
    """It becomes part of every dead letter; it is cut between two characters."""
    letter, _ = end_records("capture", [waiting(1)], "é" * 10_000, "ann", second(60))

    assert decode_result(dict(letter.headers or ())[HEADER]).detail.count("é") == 250


class _Empty:
    """A table without rows."""

    def get(self, _key: bytes) -> bytes | None:
        """Return nothing."""
        return None
