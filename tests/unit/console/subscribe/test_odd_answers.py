"""Whatever a provider answers, `penstock subscribe` explains it, changes nothing else and shows no traceback."""

import json
from typing import Any

import pytest

from tests.support.processes.fake_api import FakeApi
from tests.support.processes.subscribe import PUBLIC, Subscribe

TOKEN = "made-up-token"
SOURCES = {
    "bigcommerce": f'api_tokens = {{ abc = "text:{TOKEN}" }}',
    "github": f'api_token = "text:{TOKEN}"\nsubscribe_at = ["octo/hello"]',
    "shopify": f'api_tokens = {{ "a.myshopify.com" = "text:{TOKEN}" }}',
    "stripe": f'api_token = "text:{TOKEN}"',
}
OURS = f"{PUBLIC}/v1/odd"
BODIES: list[Any] = [
    None, [], {}, 7, "text", [None], [[1]], {"data": None}, {"data": [1]}, {"data": [{}]}, {"data": [], "has_more": "yes"},
    [{"id": 1}], [{"id": 1, "config": None, "events": None}], [{"id": [], "config": {"url": OURS}, "events": [{}]}],
    [{"id": 1, "config": {"url": OURS}, "events": [None], "last_response": 5}],
    {"data": [{"id": {}, "scope": 1, "destination": OURS}], "meta": {"pagination": {"total_pages": "x"}}},
    {"data": [{"id": "we_1", "url": OURS, "enabled_events": [3], "metadata": []}], "has_more": False},
    {"data": {"webhookSubscriptions": None}}, {"data": {"webhookSubscriptions": {"nodes": [1]}}},
    {"data": {"webhookSubscriptions": {"nodes": [{"id": "a", "topic": "b", "uri": OURS, "apiVersion": 1}]}}},
    {"errors": "no"}, {"errors": [{"message": 1}]},
]  # fmt: skip


@pytest.mark.parametrize("provider", sorted(SOURCES))
@pytest.mark.parametrize("status", [200, 403, 422])
def test_odd_answer_is_explained(subscribe: Subscribe, served: FakeApi, provider: str, status: int) -> None:
    """A plan of the configured things, or the account's failure."""
    subscribe.configure(
        f'[[sources]]\nname = "odd"\nprovider = "{provider}"\nsecrets = ["text:hidden"]\napi_url = "{served.url}"\n'
        f"{SOURCES[provider]}\n"
    )
    for body in BODIES if status == 200 else BODIES[:4]:
        served.answer(status, json.dumps(body).encode())
        code = subscribe("apply", "--yes")
        assert code in ((0, 1) if status == 200 else (1,)), (body, subscribe.printed)
        assert TOKEN not in subscribe.printed
        assert "hidden" not in subscribe.printed


@pytest.mark.parametrize("provider", sorted(SOURCES))
@pytest.mark.parametrize("body", [b"", b"<html>", b'{"data": [', b"\xff\xfe", b"[" * 50_000])
def test_what_is_no_json_is_explained(subscribe: Subscribe, served: FakeApi, provider: str, body: bytes) -> None:
    """An account that cannot be read has exit code 1."""
    subscribe.configure(
        f'[[sources]]\nname = "odd"\nprovider = "{provider}"\nsecrets = ["text:s"]\napi_url = "{served.url}"\n'
        f"{SOURCES[provider]}\n"
    )
    served.answer(200, body)
    assert subscribe("plan") == 1
    assert "cannot be read" in subscribe.printed
