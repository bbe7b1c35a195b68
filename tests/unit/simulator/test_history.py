"""The noisy history: every kind of delivery ends as the generator says, and the same mix is the same history."""

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from providers.base import Sample
from providers.shopify.provider import Shopify
from schemas.codec import document_json
from schemas.records import Document
from simulator.history import OUTCOMES, History, Kind, Mix, Resource, Turn, noise
from simulator.signing import raw_delivery, signed
from streams.steps.routing import Routes
from tests.support.builders.deliveries import Pipeline

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
STEP = timedelta(seconds=20)
EVERY_KIND = Mix(
    4_000, 40, repeated=0.1, overtaken=0.1, unchanged=0.1, doubled=0.1, tied=0.1, deleted=0.1, recent=30, seed=3
)
SHOPIFY = Shopify()


def outcome(pipeline: Pipeline, turn: Turn) -> str:
    """Return what the pipeline makes of a turn that shows a product of Shopify."""
    scene = turn.scene
    document: Document = {"id": scene.number + 1}
    if scene.verb != "deleted":
        document |= {"title": f"edition {scene.content}", "updated_at": scene.moment.isoformat()}
    topic = "products/delete" if scene.verb == "deleted" else "products/update"
    sample = Sample(document_json(document), topic, f"delivery-{turn.number}", scene.moment)
    received = raw_delivery(SHOPIFY, "acme", signed(SHOPIFY, sample, b"made-up"), scene.moment)
    return pipeline.decide(received).outcome.outcome


def told(*kinds: Kind) -> list[Turn]:
    """Return the turns of one resource."""
    history, resource = History(BEGIN, STEP, 2, random.Random(1)), Resource(7)  # noqa: S311  # no secret
    return [history.tell(resource, kind) for kind in kinds]


def test_every_kind_has_the_outcome_that_it_is_said_to_have() -> None:
    """The pipeline agrees with each of 4,000 deliveries, so benchmarks may count on the sums."""
    pipeline, wrong = Pipeline(Routes({})), []
    turns = list(noise(EVERY_KIND, BEGIN, STEP))

    for turn in turns:
        found = outcome(pipeline, turn)
        if found != OUTCOMES[turn.kind]:
            wrong.append((turn, found))

    assert wrong == []
    shares = Counter(turn.kind for turn in turns)
    assert set(shares) == {"new", "repeated", "overtaken", "unchanged", "doubled", "tied", "deleted"}
    assert min(shares.values()) > 200


def test_a_mix_is_the_same_history_every_time() -> None:
    """A seed decides everything."""
    assert list(noise(EVERY_KIND, BEGIN, STEP)) == list(noise(EVERY_KIND, BEGIN, STEP))


def test_a_repetition_is_the_delivery_itself() -> None:
    """Same number, same scene: whoever writes and signs both makes the same request."""
    first, second, repeated = told("new", "new", "repeated")

    assert replace(repeated, kind="new") in (first, second)


@pytest.mark.parametrize("kind", ["repeated", "overtaken", "unchanged", "doubled", "tied", "deleted"])
def test_what_cannot_be_first_is_new_instead(kind: Kind) -> None:
    """A mix may draw any kind for a resource that does not exist yet, and its sums stay true."""
    (turn,) = told(kind)

    assert (turn.kind, turn.scene.verb) == ("new", "created")


def test_what_nobody_accepts_leaves_no_trace() -> None:
    """A forged and an unreadable delivery change nothing, and are never repeated."""
    created, forged, unreadable, repeated, updated = told("new", "forged", "unreadable", "repeated", "new")

    assert {forged.kind, unreadable.kind} == {"forged", "unreadable"}
    assert forged.scene.content != created.scene.content
    assert repeated.number == created.number
    assert (updated.scene.content, updated.scene.moment - created.scene.moment) == (created.scene.content + 1, STEP)
