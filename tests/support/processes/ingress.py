"""Real ingress processes for tests: started on a free port, called over real HTTP, always ended with the tests."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from local.guard import Child, spawn
from tests.support.waiting import until

START_TIMEOUT_S = 30.0
KAFKA_AWAY = """
[kafka]
bootstrap_servers = "127.0.0.1:1"
[[sources]]
name = "acme"
provider = "generic"
verify = "none"
"""
"""A configuration with one source that anybody may post to, and no Kafka."""

ONE_SHOP = """
[kafka]
bootstrap_servers = "{kafka}"
[[sources]]
name = "{source}"
provider = "shopify"
secrets = ["text:{secret}"]
"""
"""A configuration with one Shopify source, to be formatted."""

PAGES = frozenset({"/healthz", "/readyz", "/metrics"})

Headers = Mapping[str, str] | Mapping[str, bytes]


class IngressProcess:
    """One `penstock ingress`. Restarted, it listens on the same ports."""

    def __init__(self, directory: Path, configuration: str, *arguments: str, host: str = "127.0.0.1") -> None:
        self._directory = directory
        self._arguments = arguments
        self._configuration = directory / "penstock.toml"
        self._configuration.write_text(configuration)
        self._log = directory / "ingress.log"
        self.prefix: list[str] = []  # the command prefix: user and namespace
        self._host = host
        self.port = self.operations_port = 0
        self.child: Child

    @property
    def url(self) -> str:
        """Return the URL for deliveries."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    def start(self) -> None:
        """Start the process and return once it listens; it may not be ready yet."""
        self._log.write_bytes(b"")
        command = [str(Path(sys.executable).parent / "penstock"), "ingress", "--port", str(self.port)]
        command += ["--host", self._host, "--operations-port", str(self.operations_port)]
        command += ["--config", str(self._configuration), "--data-dir", str(self._directory / "data")]
        command += self._arguments
        self.child = spawn(self.prefix + command, log=self._log, environment=os.environ)
        until(self._is_listening, START_TIMEOUT_S, "the ingress listens")
        listening = next(event for event in self.events() if event["event"] == "ingress_listening")
        self.port, self.operations_port = listening["port"], listening["operations_port"]

    def until_ready(self) -> None:
        """Return once /readyz is 200."""
        until(lambda: self.get("/readyz").status_code == 200, START_TIMEOUT_S, "the ingress is ready")

    def get(self, path: str) -> httpx.Response:
        """Return the answer to a GET, of the operations port where it has such a page."""
        url = f"http://127.0.0.1:{self.operations_port}" if path in PAGES else self.url
        return httpx.get(url + path, timeout=10, trust_env=False)

    def post(
        self, path: str, body: bytes = b"", headers: Headers | None = None, sender: str | None = None
    ) -> httpx.Response:
        """Return the answer to a POST, sent from a local address if one is given."""
        with httpx.Client(transport=httpx.HTTPTransport(local_address=sender), timeout=30, trust_env=False) as client:
            sent = None if headers is None else [(_as_sent(name), _as_sent(value)) for name, value in headers.items()]
            return client.post(self.url + path, content=body, headers=sent)

    def log_text(self) -> str:
        """Return the whole output of the process."""
        return self._log.read_text()

    def events(self) -> list[dict[str, Any]]:
        """Return the process's log: every line must be JSON."""
        return [json.loads(line) for line in self.log_text().splitlines()]

    def _is_listening(self) -> bool:
        assert self.child.exit_code() is None, self.log_text()
        return "ingress_listening" in self.log_text()


def _as_sent(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


@contextlib.contextmanager
def running_ingress(
    directory: Path, configuration: str, *arguments: str, host: str = "127.0.0.1"
) -> Iterator[IngressProcess]:
    """Give a running ingress, with these further arguments, that ends with the block."""
    process = IngressProcess(directory, configuration, *arguments, host=host)
    process.start()
    try:
        yield process
    finally:
        process.child.stop(10)
