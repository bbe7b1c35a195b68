"""HTTPS by the ingress itself: real certificates, real connections, and every mistake with the files."""

import asyncio
import contextlib
import re
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs
from typer.testing import CliRunner

from broker.operations import listening
from config.problems import ConfigurationError
from console.cli import app as command
from ingress.server import tls_handshakes
from ingress.server.protocol import BoundedHttp, sweep
from ingress.server.server import DrainingServer
from ingress.server.tls import TlsFiles
from tests.support.kafka.certificates import Authority
from tests.support.processes.ingress import running_ingress

TIMEOUT_S = 30.0
KAFKA_AWAY = """
[kafka]
bootstrap_servers = "127.0.0.1:1"
[[sources]]
name = "acme"
provider = "shopify"
secrets = ["text:made-up"]
"""


@pytest.fixture(scope="module")
def authority() -> Authority:
    """Give an authority."""
    return Authority()


@pytest.fixture
def files(authority: Authority, tmp_path: Path) -> TlsFiles:
    """Give a certificate and its key."""
    return TlsFiles(*authority.issue(tmp_path))


async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer 200 to everything."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@contextlib.asynccontextmanager
async def serving(context: ssl.SSLContext, max_connections: int = 100) -> AsyncIterator[tuple[int, DrainingServer]]:
    """Give the port of a server in this process, and the server."""
    config = uvicorn.Config(answer, http=BoundedHttp, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    server, listener = DrainingServer(config, context, max_connections), listening("127.0.0.1", 0)
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield listener.getsockname()[1], server
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, TIMEOUT_S)


def test_https_is_served(files: TlsFiles, authority: Authority, tmp_path: Path) -> None:
    """`penstock ingress` with a certificate answers HTTPS, TLS 1.2 and 1.3, and nothing else."""
    files.certificate.rename(tmp_path / "penstock.pem")
    relative = f'[ingress]\ntls_certificate = "penstock.pem"\ntls_key = "{files.key.name}"\n'
    with running_ingress(tmp_path, KAFKA_AWAY + relative) as process:
        url = process.url.replace("http:", "https:")
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            trusting = authority.trusting()
            trusting.minimum_version = trusting.maximum_version = version
            posted = httpx.post(f"{url}/v1/acme", verify=trusting, trust_env=False)
            assert (posted.status_code, posted.json()["error"]) == (401, "missing_signature")
        with pytest.raises(httpx.HTTPError):
            process.get("/v1/acme")
        assert process.get("/healthz").status_code == 200, "in plain HTTP, on a port of its own"

        process.child.terminate()

        assert process.child.wait(TIMEOUT_S) == 0


def test_plain_wins_over_the_configuration(tmp_path: Path) -> None:
    """`penstock up`, which serves one machine only, needs no certificate."""
    with running_ingress(tmp_path, KAFKA_AWAY + '[ingress]\ntls_certificate = "none.pem"\n', "--plain") as process:
        assert process.get("/v1/acme").status_code == 200


def _swap(files: TlsFiles) -> None:
    files.key.write_text(Authority().issue(files.key.parent, "other")[1].read_text())


def _lock(files: TlsFiles) -> None:
    certificate, key = Authority().issue(files.key.parent, "locked", b"made-up")
    files.certificate.write_bytes(certificate.read_bytes())
    files.key.write_bytes(key.read_bytes())


def _truncate(files: TlsFiles) -> None:
    files.certificate.write_text(files.certificate.read_text()[:80])


@pytest.mark.parametrize(("spoil", "expected"), [
    (lambda files: files.certificate.unlink(), "ingress.pem: the TLS certificate cannot be read: no such file"),
    (lambda files: files.key.unlink(), "ingress.key: the TLS key cannot be read: no such file"),
    (lambda files: files.key.write_text("hello"), "ingress.key: expected a TLS key in PEM"),
    (lambda files: files.certificate.write_text("hello"), "ingress.pem: expected a TLS certificate in PEM"),
    (_truncate, "ingress.pem: OpenSSL cannot use it"),
    (_swap, "ingress.key: is not the key of the certificate"),
    (_lock, "ingress.key: the key has a password"),
])  # fmt: skip
def test_mistakes_are_named(files: TlsFiles, tmp_path: Path, spoil: Callable[[TlsFiles], None], expected: str) -> None:
    """Each mistake is reported with its file and what was expected, by `penstock check` too."""
    spoil(files)

    with pytest.raises(ConfigurationError, match=re.escape(expected)):
        files.context()
    result = CliRunner().invoke(command, ["check", "--config", str(configured(tmp_path, files))])

    assert result.exit_code != 0
    assert expected in result.output.replace("\n", "")


def test_mistake_ends_the_start_with_2(files: TlsFiles, tmp_path: Path) -> None:
    """Nothing is served, and the message gives the reason."""
    _swap(files)
    penstock = str(Path(sys.executable).parent / "penstock")
    arguments = ["ingress", "--config", str(configured(tmp_path, files)), "--port", "0", "--data-dir", str(tmp_path)]

    ended = subprocess.run([penstock, *arguments], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)

    assert ended.returncode == 2
    assert ended.stderr.startswith(f"penstock: {files.key}: is not the key of the certificate")
    assert "Traceback" not in ended.stderr


def configured(directory: Path, files: TlsFiles) -> Path:
    """Return a configuration that names the files."""
    configuration = directory / "penstock.toml"
    configuration.write_text(
        KAFKA_AWAY + f'[ingress]\ntls_certificate = "{files.certificate}"\ntls_key = "{files.key}"\n'
    )
    return configuration


def test_key_without_certificate_is_a_mistake(tmp_path: Path) -> None:
    """Half of a pair is reported as half, with its line."""
    configuration = tmp_path / "penstock.toml"
    configuration.write_text(KAFKA_AWAY + '[ingress]\ntls_key = "ingress.key"\n')

    result = CliRunner().invoke(command, ["check", "--config", str(configuration), "--data-dir", str(tmp_path)])

    assert "penstock.toml:9: ingress.tls_key: expected tls_certificate beside it" in str(result.exception)


async def test_handshake_that_never_ends_is_ended(files: TlsFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that sends nothing, or only half of a hello, is disconnected."""
    monkeypatch.setattr(tls_handshakes, "HANDSHAKE_S", 0.3)
    async with serving(files.context()) as (port, _server):
        for said in (b"", b"\x16\x03\x01\x02\x00\x01"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(said)

            with contextlib.suppress(ConnectionResetError):
                assert await asyncio.wait_for(reader.read(), TIMEOUT_S) == b""
            writer.close()


async def test_handshakes_count_among_the_connections(
    files: TlsFiles, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Silent clients take connections: one too many is closed at once, and may come back when one is free."""
    monkeypatch.setattr(tls_handshakes, "HANDSHAKE_S", 10 * TIMEOUT_S)
    async with serving(files.context(), max_connections=2) as (port, _server):
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        extra, writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(extra.read(), TIMEOUT_S) == b""
        writer.close()

        silent[0][1].close()

        async with asyncio.timeout(TIMEOUT_S):
            while not await _is_answered(port, authority):  # noqa: ASYNC110 # a fact
                await asyncio.sleep(0.01)
        silent[1][1].close()


async def test_request_right_behind_the_handshake_is_read(files: TlsFiles, authority: Authority) -> None:
    """Bytes that a client sends in one packet with the end of its handshake are neither lost nor late."""
    async with serving(files.context()) as (port, _server):
        for _ in range(20):
            assert await _is_answered(port, authority)


async def _is_answered(port: int, authority: Authority) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=authority.trusting())
    except OSError:
        return False
    writer.write(b"GET /v1/acme HTTP/1.1\r\nhost: x\r\n\r\n")
    answered = await asyncio.wait_for(reader.readuntil(b"\r\n"), TIMEOUT_S)
    writer.close()
    return answered == b"HTTP/1.1 200 OK\r\n"


async def test_slow_sender_is_hung_up_on(files: TlsFiles, authority: Authority) -> None:
    """Over TLS too: a request left half-sent for too long is answered 408, and the connection ends."""
    async with serving(files.context()) as (port, server):
        sweeping = asyncio.create_task(sweep(server.server_state.connections, 0.2, 0.05))
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=authority.trusting())
        writer.write(b"POST /v1/acme HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n")

        said = await asyncio.wait_for(reader.read(), TIMEOUT_S)

        assert said.startswith(b"HTTP/1.1 408 ")
        sweeping.cancel()
        writer.close()


async def test_renewed_certificate_is_used_without_a_restart(
    files: TlsFiles, authority: Authority, tmp_path: Path
) -> None:
    """New connections get the new certificate; half a renewal changes nothing until its other half is there."""
    context = files.context()

    async def served_name(port: int) -> str:
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=authority.trusting())
        certificate = writer.get_extra_info("peercert")
        writer.close()
        return str(dict(part[0] for part in certificate["subject"])["commonName"])

    async with serving(context) as (port, _server):
        with capture_logs() as logs:
            following = asyncio.create_task(files.follow(context, 0.02))
            assert await served_name(port) == "ingress"
            certificate, key = authority.issue(tmp_path, "renewed")
            files.certificate.write_bytes(certificate.read_bytes())
            async with asyncio.timeout(TIMEOUT_S):
                while not any(event["event"] == "certificate_refused" for event in logs):  # noqa: ASYNC110 # a fact
                    await asyncio.sleep(0.01)
            assert await served_name(port) == "ingress"

            files.key.write_bytes(key.read_bytes())

            async with asyncio.timeout(TIMEOUT_S):
                while await served_name(port) != "renewed":  # noqa: ASYNC110 # a fact
                    await asyncio.sleep(0.01)
        following.cancel()
