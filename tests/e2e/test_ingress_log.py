"""The contents of a real ingress's log at its most verbose, and what it must never contain. Kafka is away."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from providers.base import Sample
from providers.registry import provider
from tests.support.faults.hostile_text import HOSTILE, assert_harmless
from tests.support.processes.ingress import IngressProcess, running_ingress
from tests.support.waiting import until

TIMEOUT_S = 30.0
SECRET = "madeUpAndNeverToBeSeen00"  # base64, as Standard Webhooks requires
MARK = "word-of-a-body"
BODY = json.dumps({"id": 7, "note": MARK, "updated_at": "2026-01-01T00:00:00Z"}).encode()
SOURCES = ("shopify", "bigcommerce", "github", "stripe", "shopery", "standard", "generic")
CONFIGURATION = f"""
[kafka]
bootstrap_servers = "127.0.0.1:1"
[kafka.options]
"sasl.username" = "user"
"sasl.password" = "{SECRET}"
[ingress]
log_level = "debug"
spool_bytes = 20_000
""" + "".join(f'[[sources]]\nname = "{name}"\nprovider = "{name}"\nsecrets = ["text:{SECRET}"]\n' for name in SOURCES)


@pytest.fixture
def talkative(tmp_path: Path) -> Iterator[IngressProcess]:
    """Give an ingress that logs at its most verbose, and spools."""
    with running_ingress(tmp_path, CONFIGURATION) as process:
        yield process


def signed(name: str, body: bytes = BODY) -> dict[str, str]:
    """Return the headers of a correctly signed delivery, and some with the sender's own credentials."""
    sample = Sample(body, "products/update", f"id-{name}", datetime.now(UTC))
    headers = provider(name).sign(sample, SECRET.encode())
    return {**headers, "authorization": f"Bearer {SECRET}", "cookie": f"session={SECRET}"}


def test_accepted_deliveries_are_named_and_nothing_is_given_away(talkative: IngressProcess) -> None:
    """At level debug each delivery has a line with its id; no line has a secret, a signature or any part of a body."""
    shown_nowhere = {SECRET, MARK}
    for name in SOURCES:
        headers = signed(name)
        answer = talkative.post(f"/v1/{name}", BODY, headers)
        assert answer.status_code == 200, answer.text
        shown_nowhere |= {value for key, value in headers.items() if "sign" in key or "hmac" in key or "secret" in key}
        wrong = {key: value[:-6] + "AAAAA=" for key, value in headers.items()}
        assert talkative.post(f"/v1/{name}", BODY, wrong).status_code == 401, name
        talkative.post(f"/v1/{name}", b"{" + MARK.encode(), {key: f"{MARK}-{value}" for key, value in headers.items()})
    talkative.post(f"/v1/nobody?{MARK}", BODY, signed("github"))

    until(lambda: len(lines(talkative, "accepted")) == len(SOURCES), TIMEOUT_S, "each has its line")
    text = talkative.log_text()
    assert [shown for shown in shown_nowhere if shown in text] == []
    assert {line["source"] for line in lines(talkative, "accepted")} == set(SOURCES)
    shopify = next(line for line in lines(talkative, "accepted") if line["source"] == "shopify")
    assert shopify["delivery_id"].endswith("id-shopify")
    assert (shopify["body_bytes"], shopify["kept_in"], shopify["level"]) == (len(BODY), "spool", "debug")


def test_verified_delivery_that_is_not_kept_is_named(talkative: IngressProcess) -> None:
    """GitHub never resends: the log has the id of a lost delivery and the reason."""
    body = b'{"id":7,"note":"' + MARK.encode() * 2_000 + b'"}'

    answer = talkative.post("/v1/shopify", body, signed("shopify", body))

    assert answer.status_code == 503
    (line,) = lines(talkative, "not_kept")
    assert line["delivery_id"].endswith("id-shopify")
    assert (line["reason"], line["level"]) == ("spool_full", "warning")
    assert MARK not in talkative.log_text()


def test_names_that_senders_choose_cannot_control_a_terminal(talkative: IngressProcess) -> None:
    """Ids, types and paths are logged as JSON, without any character that controls a terminal."""
    hostile = {"x-webhook-delivery": "id-\x9b2J\x85forged", "x-webhook-event": "\x9b31m.\xad", "user-agent": "\x9b2J"}
    body = json.dumps({"id": HOSTILE}).encode()
    headers = {name: value.encode("latin-1") for name, value in (signed("generic", body) | hostile).items()}

    assert talkative.post("/v1/generic", body, headers).status_code == 200
    assert talkative.post("/v1/%1b%5b2J%7f%c2%9b%e2%80%ae", body, headers).status_code == 404

    until(lambda: len(lines(talkative, "accepted")) == 1, TIMEOUT_S, "it has its line")
    assert "id-\x9b2J\x85forged" in {line.get("delivery_id") for line in lines(talkative, "accepted")}
    assert_harmless(talkative.log_text())


def lines(process: IngressProcess, event: str) -> list[dict[str, Any]]:
    """Return the log's lines of one event."""
    return [line for line in process.events() if line["event"] == event]
