"""One Stripe account for the tests of `penstock subscribe`: its configuration, and what is registered there."""

import json
from pathlib import Path

from schemas.records import Document
from simulator.providers.stripe import StripeFake
from tests.support.processes.fake_api import FakeApi
from tests.support.processes.subscribe import PUBLIC

URL = f"{PUBLIC}/v1/pay"
KEY = "sk_test_made_up"
VERSION = "2026-06-24.dahlia"
EVENTS = ["charge.updated", "invoice.paid"]


def configuration(served: FakeApi, version: str = VERSION, files: tuple[str, ...] = ("a",), more: str = "") -> str:
    """Return a source with these files for secrets."""
    references = json.dumps([f"file:{file}.secret" for file in files])
    return (
        f'[[sources]]\nname = "pay"\nprovider = "stripe"\nsecrets = {references}\napi_url = "{served.url}"\n'
        f'api_token = "text:{KEY}"\napi_version = "{version}"\nsubscribe = {json.dumps(EVENTS)}\n{more}'
    )


def endpoints(fake: StripeFake) -> list[Document]:
    """Return all endpoints, the oldest first."""
    return fake.endpoints.registered.all("")


def secrets() -> list[str]:
    """Return the secrets in all files."""
    return [path.read_text().strip() for path in sorted(Path().glob("*.secret"))]


def is_right(fake: StripeFake, version: str = VERSION) -> bool:
    """Say whether there is one endpoint, active, of the version, and whether its secret is in a file."""
    (endpoint,) = endpoints(fake)
    state = endpoint["status"], sorted(endpoint["enabled_events"]), endpoint["api_version"], endpoint["url"]
    return state == ("enabled", EVENTS, version, URL) and endpoint["secret"] in secrets()


def clear(fake: StripeFake) -> None:
    """Begin anew: no endpoints, no secrets, no notes."""
    for endpoint in endpoints(fake):
        fake.endpoints.registered.vanish("", endpoint["id"])
    for path in [*Path().glob("*.secret"), Path(".penstock/subscriptions.json")]:
        path.unlink(missing_ok=True)
