"""What `penstock check` says about reading at providers; the accounts answer over HTTP, as a fake BigCommerce."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config import loading
from console.check.reading import account_findings, reading_findings
from simulator.providers.bigcommerce.fake import FakeBigCommerce
from simulator.providers.bigcommerce.routes import bigcommerce_app
from simulator.providers.clock import Clock
from simulator.providers.serving import serving

SOURCE = '[[sources]]\nname = "stores"\nprovider = "bigcommerce"\nsecrets = ["env:A"]\n'
STORES = ("abc", "def", "ghi")


def offline(tmp_path: Path, text: str, **environ: str) -> list[tuple[str, str]]:
    """Return level and text of each finding, without the path."""
    path = tmp_path / "penstock.toml"
    path.write_text(SOURCE + text)
    found = reading_findings(loading.load(path, environ), path, environ)
    return [(finding.level, finding.text.removeprefix(f"{path}:").strip()) for finding in found]


def online(tmp_path: Path, text: str, url: str) -> list[tuple[str, str]]:
    """Return the same about the accounts, which are at this address."""
    path = tmp_path / "penstock.toml"
    path.write_text(SOURCE + text + f'\napi_url = "{url}"\n')
    found = account_findings(loading.load(path, {}), path, {"TOKEN": "good"})
    return [(finding.level, finding.text.removeprefix(f"{path}:").strip()) for finding in found]


def test_ids_without_credentials_are_said(tmp_path: Path) -> None:
    """What follows, and what to do; who chose not to read is not told so, nor are providers that send documents."""
    ((level, text),) = offline(tmp_path, "")
    assert level == "warning"
    assert text.startswith(
        "2: sources[0].name: deliveries of bigcommerce only name their resource, so changes of stores"
    )
    assert text.endswith("carry the notification; set api_token, or api_tokens by tenant, to read it (docs/reading.md)")
    assert offline(tmp_path, 'hydrate = "never"') == []
    path = tmp_path / "penstock.toml"
    path.write_text(SOURCE.replace("bigcommerce", "shopify"))
    assert list(reading_findings(loading.load(path, {}), path, {})) == []


@pytest.mark.parametrize(("text", "expected"), [
    ('api_token = "env:T"', []),
    ('api_token = "env:GONE"', ["problem 5: sources[0].api_token: env:GONE: the environment variable GONE is not set"]),
    ('api_tokens = { abc = "file:gone" }', ["problem 5: sources[0].api_tokens.abc: file:"]),
    ('api_token = "text:x"', ["warning 5: sources[0].api_token: a token in the file itself; text: is for tests and demos"]),
    ('api_token = "env:T"\napi_url = "http://api.example.com"',
     ["problem 6: sources[0].api_url: expected https:// (http:// for this machine only), found http://api.example.com"]),
    ('api_token = "env:T"\nhydrate = ["product", "ordr"]',
     ["problem 6: sources[0].hydrate[1]: 'ordr' is no type of bigcommerce that can be read: cart, category, "]),
    ('tenants = ["abc"]\napi_tokens = { abc = "env:T", old = "env:T" }',
     ["warning 6: sources[0].api_tokens: old: not in tenants, so nothing of them is accepted"]),
    ('tenants = ["abc", "def"]\napi_tokens = { abc = "env:T" }',
     ["warning 6: sources[0].api_tokens: no token for def: their changes carry the notification"]),
    ('tenants = ["abc", "def"]\napi_token = "env:T"\napi_tokens = { abc = "env:T" }', []),
])  # fmt: skip
def test_what_keeps_from_reading_is_named(tmp_path: Path, text: str, expected: list[str]) -> None:
    """With its line, and what was expected."""
    found = [f"{level} {text}" for level, text in offline(tmp_path, text, T="token")]

    assert len(found) == len(expected), found
    assert all(one.startswith(start) for one, start in zip(found, expected, strict=True)), found


def test_unknown_type_is_guessed(tmp_path: Path) -> None:
    """The nearest one that can be read."""
    ((_, text),) = offline(tmp_path, 'api_token = "env:T"\nhydrate = ["ordr"]', T="token")

    assert text.endswith("did you mean 'order'?")


def test_account_without_a_tenant_is_asked_too(tmp_path: Path) -> None:
    """GitHub's ids are unique without one; nothing answers at this address."""
    path = tmp_path / "penstock.toml"
    path.write_text(SOURCE.replace("bigcommerce", "github") + 'api_token = "env:T"\napi_url = "http://127.0.0.1:1"\n')
    loaded = loading.load(path, {})
    (found,) = account_findings(loaded, path, {"T": "token"})

    assert list(reading_findings(loaded, path, {"T": "token"})) == []
    assert (found.level, "stores: no answer for now (" in found.text, found.text.endswith(")")) == (
        "warning",
        True,
        True,
    )


@pytest.fixture
def fake() -> FakeBigCommerce:
    """Give three stores."""
    made = FakeBigCommerce(Clock(datetime.now(UTC)))
    for store in STORES:
        made.add_store(store, "good")
    return made


@pytest.fixture
def url(fake: FakeBigCommerce) -> Iterator[str]:
    """Serve them."""
    with serving(bigcommerce_app(fake), fake.faults) as server:
        yield server.url


THREE = 'tenants = ["abc", "def", "ghi"]\n'


def test_tokens_that_work_are_said_once(tmp_path: Path, url: str) -> None:
    """The sentence that a new user sees; one request a store."""
    assert online(tmp_path, THREE + 'api_token = "env:TOKEN"', url) == [
        ("fine", "6: sources[0].api_token: stores: token works, quota 150 per 30 s, 3 stores: abc, def, ghi")
    ]


def test_refused_token_and_unknown_store_are_problems(tmp_path: Path, url: str) -> None:
    """Each for itself, and the token is never shown."""
    tokens = 'api_tokens = { abc = "env:TOKEN", def = "text:stolen-token", nowhere = "env:TOKEN" }'
    good, *bad = online(tmp_path, tokens, url)

    assert good == ("fine", "5: sources[0].api_tokens: stores: token works, quota 150 per 30 s, 1 store: abc")
    assert {level for level, _ in bad} == {"problem"}
    ((_, refused),) = bad
    assert "stores: the token is refused (status 401" in refused
    assert "so nothing is read, 2 stores: def, nowhere" in refused
    assert "stolen-token" not in repr(bad)


def test_outage_is_a_warning(tmp_path: Path, fake: FakeBigCommerce, url: str) -> None:
    """The token may be right."""
    fake.faults.outage("unavailable")
    ((level, text),) = online(tmp_path, THREE + 'api_token = "env:TOKEN"', url)

    assert (level, "no answer for now (" in text, text.endswith("3 stores: abc, def, ghi")) == ("warning", True, True)


def test_stores_that_are_not_listed_cannot_be_tried(tmp_path: Path, url: str) -> None:
    """A token for any store says nothing of which there are; one that cannot be read is reported offline."""
    ((level, text),) = online(tmp_path, 'api_token = "env:TOKEN"', url)
    assert (level, "list yours in tenants to have it tried" in text) == ("warning", True)

    assert online(tmp_path, 'api_tokens = { abc = "env:GONE" }', url) == []
