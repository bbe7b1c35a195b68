"""The paths of the ingress; no internal fault ever becomes a 500."""

import asyncio
import re
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime

import httpx
import pytest
import structlog
from starlette.applications import Starlette

from ingress.app import IngressApp, fallback
from ingress.observability.metrics import Metrics
from ingress.receive import Receiver
from ingress.settings import Settings
from ingress.sources import Secret, Source
from providers.generic import Generic
from tests.support.kafka.memory_topic import MemoryTopic


def no_lifespan(_app: Starlette) -> AbstractAsyncContextManager[None]:
    """Return a lifespan without effects."""
    return nullcontext()


def client(topic: MemoryTopic) -> httpx.AsyncClient:
    """Return a client of an ingress with one source that verifies nothing."""
    source = Source("acme", Generic(), (), is_verified=False)
    metrics, settings = Metrics([source]), Settings({})
    receiver = Receiver(settings, {"acme": source}, topic, metrics, lambda: datetime.now(UTC))
    ingress = IngressApp(receiver, fallback(no_lifespan))
    return httpx.AsyncClient(transport=httpx.ASGITransport(ingress), base_url="http://ingress")


@pytest.mark.parametrize(("error", "reason"), [
    (RuntimeError("with the body in its text"), "internal_fault"),
    (asyncio.CancelledError(), "shutting_down"),
])  # fmt: skip
async def test_fault_costs_a_retry_and_no_more(error: BaseException, reason: str) -> None:
    """On any fault the provider is told to retry, and neither answer nor log repeats the error's text."""
    with structlog.testing.capture_logs() as logs:
        async with client(MemoryTopic(fault=error)) as http:
            answer = await http.post("/v1/acme", content=b"{}")

    assert (answer.status_code, answer.json()["error"]) == (503, reason)
    assert "retry-after" in answer.headers
    assert "with the body" not in answer.text + repr(logs)


async def test_fault_is_logged_with_its_location() -> None:
    """The log names the type and the line of the fault."""
    with structlog.testing.capture_logs() as logs:
        async with client(MemoryTopic(fault=RuntimeError())) as http:
            await http.post("/v1/acme", content=b"{}")

    (event,) = [event for event in logs if event["event"] == "request_failed"]
    assert event["fault"] == "RuntimeError"
    assert "memory_topic.py:" in event["location"]


@pytest.mark.parametrize(("method", "path", "status"), [
    ("POST", "/v1/acme", 200),
    ("GET", "/v1/acme", 200),
    ("HEAD", "/v1/acme", 200),
    ("PUT", "/v1/acme", 405),
    ("POST", "/v1/", 404),
    ("POST", "/v1/acme/", 200),   # the same source: a provider that never tries again may send it
    ("GET", "/v1/acme/", 200),
    ("POST", "/v1/acme/?hook=1", 200),
    ("POST", "/v1/acme//", 404),
    ("POST", "/v1//acme", 404),
    ("POST", "/v1/acme/x", 404),
    ("POST", "/v1/acme%2f", 404),
    ("POST", "/v1/ac%6de", 404),  # a proxy in front has seen these bytes and no others
    ("POST", "/v1%2facme", 404),
    ("POST", "/v1", 404),
    ("POST", "/", 404),
    ("GET", "/healthz", 404),     # on the operations port
    ("POST", "/healthz", 404),
    ("GET", "/readyz", 404),
    ("HEAD", "/metrics", 404),
])  # fmt: skip
async def test_path_is_answered(method: str, path: str, status: int) -> None:
    """Every path has its status, and every refusal an error and a detail in JSON."""
    async with client(MemoryTopic()) as http:
        answer = await http.request(method, path)

    assert answer.status_code == status
    if status >= 400 and method != "HEAD":
        assert set(answer.json()) == {"error", "detail"}


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz", "/", "/v1", "/docs", "/%6detrics", "/metrics/"])
async def test_nothing_but_deliveries_is_served(path: str) -> None:
    """The port for deliveries has no other path, and the refusal names none."""
    async with client(MemoryTopic()) as http:
        answer = await http.get(path)

    assert (answer.status_code, answer.json()["error"]) == (404, "unknown_path")
    assert re.findall(r"/\w+", answer.json()["detail"]) == ["/v1"]


@pytest.mark.parametrize("path", ["/v1/acme", "/v1/acme/"])
async def test_metrics_and_log_name_the_source_of_either_spelling(path: str) -> None:
    """A slash at the end makes no second source, and none that is unknown."""
    source = Source("acme", Generic(), (Secret(b"made-up"),))
    metrics = Metrics([source])
    receiver = Receiver(Settings({}), {"acme": source}, MemoryTopic(), metrics, lambda: datetime.now(UTC))
    transport = httpx.ASGITransport(IngressApp(receiver, fallback(no_lifespan)))
    with structlog.testing.capture_logs() as logs:
        async with httpx.AsyncClient(transport=transport, base_url="http://ingress") as http:
            answer = await http.post(path, content=b"{}")

    labels = {"source": "acme", "provider": "generic", "result": "refused", "reason": "missing_signature"}
    assert answer.status_code == 401
    assert metrics.registry.get_sample_value("penstock_ingress_answers_total", labels) == 1
    assert [(event["source"], event["status"]) for event in logs] == [("acme", 401)]
