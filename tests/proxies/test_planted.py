"""The harness detects an ingress that lets uvicorn alone parse HTTP."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proxies.corpus import CORPUS
from tests.proxies.station import station_of
from tests.support.processes.ingress import IngressProcess

pytestmark = [pytest.mark.proxies, pytest.mark.kafka]


@pytest.fixture(scope="module")
def gullible(configuration: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[IngressProcess]:
    """Give a ready ingress that trusts trailers and Upgrade."""
    process = IngressProcess(tmp_path_factory.mktemp("gullible"), configuration)
    process.prefix = [sys.executable, "-m", "tests.proxies.gullible"]
    process.start()
    try:
        process.until_ready()
        yield process
    finally:
        process.child.stop(10)


@pytest.mark.parametrize(
    ("proxy", "case", "expected"),
    [
        ("haproxy", "trailer: forged address", "kept for the source guarded"),  # It has passed `allow`.
        ("nginx-lax", "upgrade h2c: metrics in a length, at once", "expected the ingress to answer [200]"),
        ("go-stock", "upgrade websocket: hidden post in a length, late", "expected the ingress to answer [200]"),
        ("haproxy", "hidden: b'/v1/%68{idden}'", ""),  # The application reads it, correctly.
    ],
)
def test_misreading_is_noticed(
    gullible: IngressProcess, kafka: str, run: str, tmp_path: Path, proxy: str, case: str, expected: str
) -> None:
    """A trailer that becomes a header, and an unread body, are complaints; good cases are none.

    Whether the body of an Upgrade becomes a request depends on its packets, and these on the machine.
    """
    with station_of(proxy, gullible, kafka, run, tmp_path) as station:
        wrong = "\n".join(station.try_all({case: CORPUS[case]}))

    assert expected in wrong
    assert bool(wrong) is bool(expected)
