"""Who may post, how often, and how much concurrently: the ingress as a real process, called from several addresses."""

import contextlib
import json
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes.ingress import IngressProcess, running_ingress
from tests.support.waiting import until

pytestmark = pytest.mark.kafka
RUN = uuid.uuid4().hex[:8]  # part of source names: the topic is shared with other tests and runs
MB = 1024 * 1024
MAX_CONCURRENT, BODY_LIMIT_BYTES, BODIES_LIMIT_BYTES = 8, 2 * MB, 3 * MB


def source(name: str, *lines: str) -> str:
    """Return an open source's part of a penstock.toml."""
    return "\n".join([f'[[sources]]\nname = "{name}-{RUN}"\nprovider = "generic"\nverify = "none"', *lines, ""])


@pytest.fixture(scope="module")
def guarded(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[IngressProcess]:
    """Give a ready ingress with sources restricted to some addresses, behind a proxy at 127.0.0.3."""
    text = f'[kafka]\nbootstrap_servers = "{kafka}"\n[ingress]\ntrusted_proxies = ["127.0.0.3", "127.0.1.0/24"]\n'
    text += source("near", 'allow = ["127.0.0.2"]') + source("far", 'allow = ["203.0.113.0/24", "2001:db8::/32"]')
    text += source("rare", "rate_limit = 0.5", "burst = 2")
    with running_ingress(tmp_path_factory.mktemp("guarded"), text) as process:
        process.until_ready()
        yield process


@pytest.fixture
def small(kafka: str, tmp_path: Path) -> Iterator[IngressProcess]:
    """Give a ready ingress with small limits."""
    text = f'[kafka]\nbootstrap_servers = "{kafka}"\n[ingress]\nmax_concurrent = {MAX_CONCURRENT}\n'
    text += f"body_limit_bytes = {BODY_LIMIT_BYTES}\nbodies_limit_bytes = {BODIES_LIMIT_BYTES}\n" + source("open")
    with running_ingress(tmp_path, text) as process:
        process.until_ready()
        yield process


@pytest.mark.parametrize(("sender", "status"), [("127.0.0.2", 200), ("127.0.0.1", 403), ("127.0.0.4", 403)])
def test_only_allowed_addresses_get_in(guarded: IngressProcess, sender: str, status: int) -> None:
    """The address of the connection decides."""
    assert guarded.post(f"/v1/near-{RUN}", b"{}", sender=sender).status_code == status


@pytest.mark.parametrize(("sender", "forwarded_for", "status"), [
    ("127.0.0.3", "203.0.113.9", 200),
    ("127.0.0.3", "203.0.113.9, 127.0.1.7", 200),        # through two proxies
    ("127.0.0.3", "2001:db8::7", 200),
    ("127.0.0.3", "203.0.113.9, 198.51.100.1", 403),     # the sender forged the first
    ("127.0.0.3", "198.51.100.1", 403),
    ("127.0.0.1", "203.0.113.9", 403),                   # not a trusted proxy
    ("127.0.0.1", "203.0.113.9, 127.0.0.3", 403),
])  # fmt: skip
def test_only_trusted_proxies_are_believed(
    guarded: IngressProcess, sender: str, forwarded_for: str, status: int
) -> None:
    """X-Forwarded-For counts only as far as trusted proxies wrote it."""
    answer = guarded.post(f"/v1/far-{RUN}", b"{}", {"x-forwarded-for": forwarded_for}, sender=sender)

    assert answer.status_code == status


def test_refused_address_is_named_to_both_sides(guarded: IngressProcess) -> None:
    """The answer and the log contain the address to add to the allowlist, under one reason."""
    logged = len(guarded.events())

    answer = guarded.post(f"/v1/far-{RUN}", b"{}", {"x-forwarded-for": "198.51.100.77"}, sender="127.0.0.3")

    assert (answer.status_code, answer.json()["error"]) == (403, "not_allowed")
    assert "198.51.100.77" in answer.json()["detail"]
    (event,) = guarded.events()[logged:]
    assert (event["reason"], event["sender"]) == ("not_allowed", "198.51.100.77")


def test_stranger_is_refused_before_the_body(guarded: IngressProcess) -> None:
    """403 comes before the body has been sent."""
    with begun(guarded, f"near-{RUN}", MB) as connection:
        assert connection.recv(65536).startswith(b"HTTP/1.1 403 ")


def test_allowlist_of_ipv6(kafka: str, tmp_path: Path) -> None:
    """The same rules hold on an IPv6 socket."""
    text = f'[kafka]\nbootstrap_servers = "{kafka}"\n'
    text += source("loop", 'allow = ["::1"]') + source("doc", 'allow = ["2001:db8::/32", "127.0.0.1"]')
    with running_ingress(tmp_path, text, host="::1") as process:
        process.until_ready()

        assert process.post(f"/v1/loop-{RUN}", b"{}").status_code == 200
        assert process.post(f"/v1/doc-{RUN}", b"{}").status_code == 403


def test_too_many_deliveries_are_told_when_to_come_back(guarded: IngressProcess) -> None:
    """Beyond the burst: 429 with a Retry-After after which a delivery is accepted; other sources are unaffected."""
    answers = [guarded.post(f"/v1/rare-{RUN}", b"{}") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["error"] == "rate_limited"
    assert answers[2].headers["retry-after"] == "2"
    assert guarded.post(f"/v1/near-{RUN}", b"{}", sender="127.0.0.2").status_code == 200
    until(lambda: guarded.post(f"/v1/rare-{RUN}", b"{}").status_code == 200, 30, "there is a token again")


def test_flood_is_counted_whole_and_logged_in_part(kafka: str, tmp_path: Path) -> None:
    """Of a thousand refusals some lines are written and the rest is summed up; none is missing in the metrics."""
    head = f"POST /v1/nobody-{RUN} HTTP/1.1\r\nhost: ingress\r\ncontent-length: 0\r\n\r\n"
    with running_ingress(tmp_path, f'[kafka]\nbootstrap_servers = "{kafka}"\n' + source("open")) as process:
        process.until_ready()
        with connected(process) as connection:
            connection.sendall(head.encode() * 1000)
            until(lambda: refusals(process) == 1000, 30, "all are counted")
        assert process.child.stop(10) == 0
        events = process.events()

    lines = [event for event in events if event.get("reason") == "unknown_source" and event["event"] == "answered"]
    suppressed = [event["lines"] for event in events if event["event"] == "suppressed"]
    assert len(lines) + sum(suppressed) == 1000
    assert len(lines) <= 10 * (len(suppressed) + 1)
    assert {event["sender"] for event in lines} == {"127.0.0.1"}


def refusals(process: IngressProcess) -> float:
    """Return the number of refused posts to unconfigured names."""
    labels = '{provider="",reason="unknown_source",result="refused",source=""}'
    return value(process, f"penstock_ingress_answers_total{labels}", 0)


def test_too_many_requests_at_once_are_told_to_come_again(small: IngressProcess) -> None:
    """One more gets 503 and Retry-After, is counted, and the pages still answer; after the others end it is accepted."""
    with contextlib.ExitStack() as stack:
        for _ in range(MAX_CONCURRENT):
            stack.enter_context(begun(small, f"open-{RUN}", 1000))
        until(lambda: value(small, "penstock_ingress_requests") == MAX_CONCURRENT, 10, "all have begun")

        answer = small.post(f"/v1/open-{RUN}", b"{}")

        assert (answer.status_code, answer.json()["error"]) == (503, "too_busy")
        assert int(answer.headers["retry-after"]) > 0
        assert (small.get("/healthz").status_code, small.get("/readyz").status_code) == (200, 200)
        assert 'reason="too_busy",result="unavailable"' in small.get("/metrics").text
    until(lambda: small.post(f"/v1/open-{RUN}", b"{}").status_code == 200, 10, "there is room again")


def test_bodies_at_once_have_a_limit_of_bytes(small: IngressProcess) -> None:
    """Half-sent bodies take memory: a body over the limit gets 503, requests in flight stay."""
    part = b"x" * (BODY_LIMIT_BYTES - 1000)
    with begun(small, f"open-{RUN}", BODY_LIMIT_BYTES) as first:
        first.sendall(part)
        until(lambda: value(small, "penstock_ingress_held_bytes") > len(part), 10, "the first is here but for its end")

        answer = small.post(f"/v1/open-{RUN}", part)

        assert (answer.status_code, answer.json()["error"]) == (503, "too_many_bytes")
        assert small.post(f"/v1/open-{RUN}", b"{}").status_code == 200
        first.sendall(b"x" * 1000)
        assert first.recv(65536).startswith(b"HTTP/1.1 200 ")
    until(lambda: value(small, "penstock_ingress_held_bytes") == 0, 10, "every byte is given back")
    assert small.post(f"/v1/open-{RUN}", part).status_code == 200


def test_too_many_connections_are_hung_up_on(small: IngressProcess) -> None:
    """Silent connections cannot exhaust the process's file descriptors: beyond twice the requests they get 503."""
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(connected(small)) for _ in range(2 * MAX_CONCURRENT)]
        with connected(small) as one_more:
            answer = one_more.recv(65536)

        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: " in answer
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"] == "too_many_connections"
        assert len(idle) == 2 * MAX_CONCURRENT
    until(lambda: small.post(f"/v1/open-{RUN}", b"{}").status_code == 200, 10, "there is room again")
    assert 'penstock_ingress_connections_aborted_total{reason="too_many_connections"}' in small.get("/metrics").text


@contextlib.contextmanager
def connected(process: IngressProcess) -> Iterator[socket.socket]:
    """Give a connection to the ingress."""
    with socket.create_connection(("127.0.0.1", process.port), timeout=10) as connection:
        yield connection


@contextlib.contextmanager
def begun(process: IngressProcess, name: str, body_bytes: int) -> Iterator[socket.socket]:
    """Give a connection on which the headers of a post have been sent, and nothing of its body."""
    with connected(process) as connection:
        head = f"POST /v1/{name} HTTP/1.1\r\nhost: ingress\r\ncontent-length: {body_bytes}\r\n\r\n"
        connection.sendall(head.encode())
        yield connection


def value(process: IngressProcess, metric: str, missing: float | None = None) -> float:
    """Return the value of a metric with its labels; if absent, `missing` where one is given."""
    lines = [line for line in process.get("/metrics").text.splitlines() if line.startswith(f"{metric} ")]
    if missing is not None and not lines:
        return missing
    return float(lines[0].rpartition(" ")[2])
