"""The comparison of answered ids with ids on the topic, and the ids themselves."""

from bench.arrived import compare
from providers.base import SignedRequest, Verified
from providers.shopify.provider import Shopify
from simulator.shop_deliveries import SECRET, START, Numbered


def test_every_way_to_differ_is_counted() -> None:
    """Missing, doubled and unanswered deliveries are counted apart, and a missing id is named."""
    found = compare(["run-1", "run-2", "run-3"], {"run-1": 1, "run-2": 2, "run-9": 1})

    assert found.row() == {
        "answered_200": 3,
        "records": 4,
        "missing": 1,
        "twice": 1,
        "unanswered": 1,
        "missing_ids": ["run-3"],
    }


def test_as_many_records_as_answers_is_not_enough() -> None:
    """A second record of another delivery does not make up for a lost one."""
    found = compare(["run-1", "run-2"], {"run-1": 2})

    assert (found.records, found.missing, found.twice) == (2, 1, 1)


def test_all_there() -> None:
    """With nothing missing, no id is named."""
    assert compare(["run-1"], {"run-1": 1}).row() == {
        "answered_200": 1,
        "records": 1,
        "missing": 0,
        "twice": 0,
        "unanswered": 0,
    }


def test_each_post_has_its_own_id_and_a_good_signature() -> None:
    """The provider's own code accepts a numbered post and reads the id that the comparison expects."""
    numbered = Numbered("/v1/bench", "run", distinct=2)

    for number in (0, 1, 2, 1_000_000):
        head, _, body = numbered(number).partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:])
        request = SignedRequest(headers, body)

        assert lines[0] == "POST /v1/bench HTTP/1.1"
        assert int(headers["content-length"]) == len(body)
        assert isinstance(Shopify().verify(request, [SECRET], START), Verified)
        assert Shopify().identify("bench", request).delivery_id == numbered.delivery_id(number) == f"run-{number}"
