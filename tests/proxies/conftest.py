"""A real ingress, and each proxy in front of it with a tap in between."""

import uuid
from collections.abc import Iterator

import pytest

from tests.proxies.corpus.case import CLIENT, SECRET
from tests.proxies.proxies import PROXIES
from tests.proxies.station import Station, station_of
from tests.support.processes.ingress import IngressProcess, running_ingress

BODY_LIMIT_BYTES = 64 * 1024
ALLOWED = {"shop": f"{CLIENT}/32", "guarded": "203.0.113.0/24", "own": "127.0.0.1/32", "hidden": "0.0.0.0/0"}
"""The sources, and who may post to them: the client, nobody here, the proxies themselves, everybody."""


@pytest.fixture(scope="session")
def run() -> str:
    """Give the suffix of the sources' names: the topic is shared with other tests and other runs."""
    return uuid.uuid4().hex[:8]


@pytest.fixture(scope="session")
def configuration(kafka: str, run: str) -> str:
    """Give the text of a penstock.toml that trusts the proxies."""
    text = f'[kafka]\nbootstrap_servers = "{kafka}"\n'
    text += f'[ingress]\ntrusted_proxies = ["127.0.0.1/32"]\nbody_limit_bytes = {BODY_LIMIT_BYTES}\n'
    for source, allow in ALLOWED.items():
        text += f'[[sources]]\nname = "{source}-{run}"\nprovider = "shopify"\n'
        text += f'secrets = ["text:{SECRET.decode()}"]\nallow = ["{allow}"]\n'
    return text


@pytest.fixture(scope="session")
def ingress(configuration: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[IngressProcess]:
    """Give a ready ingress."""
    with running_ingress(tmp_path_factory.mktemp("ingress"), configuration) as process:
        process.until_ready()
        yield process


@pytest.fixture(scope="session", params=list(PROXIES))
def station(
    request: pytest.FixtureRequest,
    ingress: IngressProcess,
    kafka: str,
    run: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Station]:
    """Give each proxy in turn, in front of the ingress."""
    with station_of(request.param, ingress, kafka, run, tmp_path_factory.mktemp(request.param)) as made:
        yield made
