"""The posts of `penstock send`: their number, order, and repetitions."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from providers.registry import provider
from simulator.errors import SimulatorError
from simulator.load import Load, Payload, posts, read_payloads
from simulator.posting import Post
from simulator.senders import Sender

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SHOPIFY = Sender("shop", provider("shopify"), b"secret")
STRIPE = Sender("bank", provider("stripe"), b"whsec_secret")
TWO = [Payload("a", b'{"id": 1, "updated_at": "2026-01-01T00:00:00Z"}'), Payload("b", b'{"id":  2}')]


def planned(load: Load, payloads: list[Payload] = TWO, sender: Sender = SHOPIFY) -> list[Post]:
    """Return the posts of a load."""
    return list(posts(payloads, sender, load, NOW))


def test_payloads_are_sent_byte_for_byte_in_their_order() -> None:
    """Without options nothing is changed, not even spaces."""
    sent = planned(Load("products/update"))

    assert [post.body for post in sent] == [payload.body for payload in TWO]
    assert {post.topic for post in sent} == {"products/update"}


def test_each_repetition_has_a_delivery_id_of_its_own() -> None:
    """Two runs do not share any either, or the second would be all duplicates."""
    load = Load("products/update", repeat=3)

    ids = [post.delivery_id for post in planned(load) + planned(load)]

    assert len(set(ids)) == len(ids) == 12


def test_a_repeated_stripe_event_carries_its_new_id_in_the_body() -> None:
    """Stripe has no id header; the first repetition keeps the event's own."""
    event = Payload("event", b'{"id":"evt_own","data":{"object":{"id":"cus_1"}}}')

    sent = planned(Load("", repeat=2), [event], STRIPE)

    assert sent[0].delivery_id == "evt_own"
    assert sent[0].body == event.body
    assert msgspec.json.decode(sent[1].body)["id"] == sent[1].delivery_id != "evt_own"


def test_duplicates_are_the_same_post_again_and_follow_their_original_soon() -> None:
    """The share is kept, and a duplicate never comes first."""
    sent = planned(Load("products/update", repeat=500, duplicate=0.2, seed=1))

    originals = {post.delivery_id for post in sent}
    assert len(originals) == 1000
    assert 150 < len(sent) - 1000 < 250
    assert {post.body for post in sent} == {payload.body for payload in TWO}


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_all_or_nothing_is_exact(share: float) -> None:
    """0 repeats nothing, 1 everything."""
    assert len(planned(Load("products/update", repeat=10, duplicate=share))) == 20 * (1 + int(share))


def test_shuffle_changes_the_order_and_a_seed_repeats_it() -> None:
    """Nothing is lost, and a failing load can be run again; versions still give the true order."""
    straight = Load("products/update", repeat=50, is_varied=True)
    mixed = Load("products/update", repeat=50, is_varied=True, is_shuffled=True, seed=3)

    bodies = [post.body for post in planned(mixed)]

    assert bodies == [post.body for post in planned(mixed)]
    assert bodies != [post.body for post in planned(straight)]
    assert sorted(bodies) == sorted(post.body for post in planned(straight))


def test_folders_are_read_in_order_and_a_missing_file_is_named(tmp_path: Path) -> None:
    """Every *.json below a directory; - is standard input."""
    (tmp_path / "deep").mkdir()
    for name in ("b.json", "a.json", "deep/c.json", "not.txt"):
        (tmp_path / name).write_text(name)

    payloads = read_payloads([str(tmp_path), "-"], b"stdin")

    assert [payload.body for payload in payloads] == [b"a.json", b"b.json", b"deep/c.json", b"stdin"]
    with pytest.raises(SimulatorError, match=r"gone\.json: no such file"):
        read_payloads([str(tmp_path / "gone.json")], None)


def test_a_folder_without_payloads_is_a_mistake(tmp_path: Path) -> None:
    """Sending nothing would look like success."""
    with pytest.raises(SimulatorError, match="no payload"):
        read_payloads([str(tmp_path)], None)
