"""A registry behind TLS and credentials: a real one, behind a proxy that requires them."""

import base64
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from broker.errors import RegistryError
from broker.registry_http import registry_access
from broker.schema_registry import Registry
from config import loading
from config.problems import ConfigurationError
from tests.support.kafka.certificates import Authority
from tests.support.kafka.guarded_registry import Guard, guarded

pytestmark = pytest.mark.kafka
USER, PASSWORD, TOKEN = "sr-key", "hush:ä", "hush.hush"


@pytest.fixture
def guard(registry: str) -> Iterator[Guard]:
    """Give a proxy in front of the registry that accepts every client."""
    with guarded(registry) as opened:
        yield opened


def connected(directory: Path, url: str, keys: str = "", **environ: str) -> Registry:
    """Return the registry of a penstock.toml."""
    path = directory / "penstock.toml"
    path.write_text(f'[registry]\nurl = "{url}"\n{keys}')
    return Registry(registry_access(loading.load(path, {}), environ))


def registered(registry: Registry) -> int:
    """Register a schema under a new subject."""
    with closing(registry):
        return registry.register(f"secure-{uuid.uuid4().hex}-value", "outcome")


def basic(user: str, password: str) -> str:
    """Return the header of basic authentication."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_everything_at_once_as_companies_have_it(guard: Guard, tmp_path: Path) -> None:
    """A private authority, a client certificate with an encrypted key, a password in a file beside the configuration."""
    authority = Authority()
    authority.write(tmp_path / "ca.pem")
    authority.issue(tmp_path, "client", b"seal")
    guard.require_tls(*authority.issue(tmp_path), tmp_path / "ca.pem")
    guard.wanted = basic(USER, PASSWORD)
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    tls = 'tls_ca = "ca.pem"\ntls_certificate = "client.pem"\ntls_key = "client.key"\ntls_key_password = "env:SEAL"\n'
    credentials = 'username = "env:USER"\npassword = "file:password"\n'

    assert registered(connected(tmp_path, guard.url, tls + credentials, USER=USER, SEAL="seal"))

    for incomplete in (credentials, credentials + 'tls_ca = "ca.pem"\n'):
        with (
            pytest.raises(RegistryError, match="listing subjects at https://"),
            closing(connected(tmp_path, guard.url, incomplete, USER=USER)) as refused,
        ):
            refused.answers()


def test_token_is_read_anew(guard: Guard, tmp_path: Path) -> None:
    """A token renewed in its file is used without a restart; headers accompany it, as Confluent Cloud needs them."""
    (tmp_path / "token").write_text("old\n")
    keys = 'bearer_token = "file:token"\nheaders = { target-sr-cluster = "lsrc-1" }\n'
    with closing(connected(tmp_path, guard.url, keys)) as registry:
        guard.wanted = f"Bearer {TOKEN}"
        with pytest.raises(RegistryError, match="HTTP 401 Unauthorized; it does not accept the credentials"):
            registry.answers()
        (tmp_path / "token").write_text(f"{TOKEN}\n")

        registry.answers()

    assert guard.seen[-1]["target-sr-cluster"] == "lsrc-1"


def test_missing_path_is_named(guard: Guard, tmp_path: Path) -> None:
    """Apicurio serves Confluent's API below a path only; without the path the message names it."""
    with closing(connected(tmp_path, guard.root)) as registry:
        with pytest.raises(
            RegistryError, match=r"HTTP 404; is the path missing .* below /apis/ccompat/v7, Confluent's has"
        ):
            registry.register("x-value", "outcome")
        with pytest.raises(RegistryError, match="is the path missing"):
            registry.answers()


def test_environment_neither_redirects_nor_adds_credentials(
    guard: Guard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proxy variables do not redirect requests, and a netrc does not supply credentials."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)

    assert registered(connected(tmp_path, guard.url))

    assert not any("authorization" in headers for headers in guard.seen)


def test_file_that_is_gone_is_said_before_anything_is_asked(guard: Guard, tmp_path: Path) -> None:
    """The message names the line of the key."""
    for number, key in ((3, 'tls_ca = "gone.pem"'), (4, 'username = "u"\npassword = "file:gone"')):
        with pytest.raises(ConfigurationError) as refused:
            connected(tmp_path, guard.url, key)
        assert str(refused.value).startswith(f"{tmp_path}/penstock.toml:{number}: registry.")
        assert "gone" in str(refused.value)
    assert guard.seen == []


def test_no_message_shows_a_credential(guard: Guard, tmp_path: Path) -> None:
    """Neither a refusal nor the configuration's own text contains one."""
    guard.wanted = "Basic other"
    (tmp_path / "token").write_text(TOKEN)
    for keys in ('bearer_token = "file:token"', f'username = "u"\npassword = "text:{TOKEN}"'):
        with closing(connected(tmp_path, guard.url, keys)) as registry, pytest.raises(RegistryError) as refused:
            registry.answers()

        assert TOKEN not in str(refused.value)
        assert TOKEN not in repr(loading.load(tmp_path / "penstock.toml", {}))
