"""Every block of docs/kafka.md, verbatim except for addresses: delivery, topic, worker, change."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kafka.guarded_registry import Guard, guarded
from tests.support.kafka.secure_kafka import USERS, SecureKafka
from tests.support.processes.secure_site import REGISTRY_PASSWORD, REGISTRY_USER, TIMEOUT_S, Site, post
from tests.support.waiting import until

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(900)]
PAGE = Path(__file__).parents[2] / "docs" / "kafka.md"
RECIPES = dict(re.findall(r"```toml\n# recipe: (\w+)\n(.*?)```", PAGE.read_text(), re.DOTALL))
LISTENERS = {"plain": "sasl", "scram": "sasl", "oauth": "oauth", "mtls": "mtls"}


@pytest.fixture
def guard(registry: str, secure: SecureKafka) -> Iterator[Guard]:
    """Give the registry behind TLS, client certificates and a password."""
    with guarded(registry) as opened:
        certificate, key = secure.authority.issue(secure.directory, "registry")
        opened.require_tls(certificate, key, secure.directory / "ca.pem")
        opened.wanted = "Basic " + base64.b64encode(f"{REGISTRY_USER}:{REGISTRY_PASSWORD}".encode()).decode()
        yield opened


def test_page_has_no_other_recipes() -> None:
    """Every block on the page is run; a new block that is not fails here."""
    assert RECIPES.keys() == LISTENERS.keys() | {"registry"}
    assert PAGE.read_text().count("```toml") == len(RECIPES)


@pytest.mark.parametrize("recipe", LISTENERS)
def test_recipe(recipe: str, secure: SecureKafka, guard: Guard, registry: str, tmp_path: Path) -> None:
    """A delivery becomes a change, and no log contains a secret."""
    site = Site(secure, registry, tmp_path)
    site.registry_text = RECIPES["registry"].replace("https://registry.example.com/apis/ccompat/v7", guard.url)
    secure.grant(site.rules("ingress", "worker"))
    listener = LISTENERS[recipe]

    with site.worker(RECIPES[recipe], listener) as workers, site.ingress(RECIPES[recipe], listener) as opened:
        opened.until_ready()
        assert post(opened, recipe) == 200
        site.until_changed(recipe)
        until(lambda: workers.is_ready(0), TIMEOUT_S, "the worker is ready")
        said = opened.log_text() + workers.log(0).read_text()

    assert guard.seen
    assert not [secret for secret in (*USERS.values(), REGISTRY_PASSWORD, "eyJ") if secret in said]
