"""GitHub deliveries as GitHub signs them, and lives of its resources in every order of arrival."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from typing import Any

import msgspec

from providers.base import SignedRequest
from providers.github.provider import GitHub
from schemas import codec
from schemas.records import NO_RESOURCE, Document, RawDelivery
from streams.steps.routing import Routes
from tests.support.builders.deliveries import SOURCE, Pipeline
from tests.support.builders.provider_requests import raw_delivery

Told = tuple[str, Document]
"""An event and its payload."""


def github(event: str, payload: Document, guid: str, headers: Mapping[str, str] | None = None) -> RawDelivery:
    """Return a delivery as `identify` names it."""
    sent = {"x-github-event": event, "x-github-delivery": guid, "x-github-hook-id": "1", **(headers or {})}
    request = SignedRequest(sent, msgspec.json.encode(payload))
    return raw_delivery("github", GitHub().identify(SOURCE, request), request)


def decided(told: Sequence[Told]) -> Pipeline:
    """Return a pipeline that has decided these in their order."""
    pipeline = Pipeline(Routes({}))
    for number, (event, payload) in enumerate(told):
        pipeline.decide(github(event, payload, f"guid-{number}"))
    return pipeline


def existing(pipeline: Pipeline) -> dict[str, Any]:
    """Return the documents of the resources that exist, by `type|id`."""
    rows = {key: codec.decode_latest(row) for key, row in pipeline.latest.items() if not key.startswith(NO_RESOURCE)}
    return {
        "|".join(key.decode().rsplit("|", 2)[1:]): msgspec.json.decode(row.document)
        for key, row in rows.items()
        if row.document is not None
    }


def endings(life: Sequence[Told]) -> Iterator[dict[str, Any]]:
    """Yield what exists at the end of a life, for every order in which its deliveries may arrive."""
    for order in permutations(life):
        yield existing(decided(order))
