"""librdkafka's treatment of options, its own environment included."""

import contextlib
import socket
from pathlib import Path

import pytest
from confluent_kafka import Producer

from broker.kafka_options import option_problems
from config import loading, secrets

TOKEN = """
[kafka.options]
security.protocol = "SASL_SSL"
sasl.mechanism = "OAUTHBEARER"
sasl.oauthbearer.method = "oidc"
sasl.oauthbearer.client.id = "me"
sasl.oauthbearer.client.secret = "hush"
sasl.oauthbearer.token.endpoint.url = "https://login.example.com/token"
"""


def test_proxy_of_the_environment_learns_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """librdkafka uses the proxy of its environment for the token endpoint; the proxy sees only the address."""
    (tmp_path / "penstock.toml").write_text(TOKEN)
    options = secrets.kafka_options(loading.load(tmp_path / "penstock.toml", {}), {})
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(60)
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        producer = Producer({**options, "log_level": 0})

        connection, _ = proxy.accept()
        with contextlib.closing(connection):
            seen = connection.recv(4096)
        del producer

    assert seen.startswith(b"CONNECT login.example.com:443 ")
    assert b"authorization" not in seen.lower()
    assert b"hush" not in seen


def test_looking_at_options_asks_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`penstock check` without --online makes no connection, not even for a token."""
    (tmp_path / "penstock.toml").write_text(TOKEN)
    loaded = loading.load(tmp_path / "penstock.toml", {})
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(0.5)
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")

        assert option_problems(loaded, secrets.kafka_options(loaded, {})) == []

        with pytest.raises(TimeoutError):
            proxy.accept()
