"""The process that serves the demo's BigCommerce store: it ends when told, is the same again, and says what is wrong."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from config import loading
from local import ports
from simulator.demo_configuration import demo_configuration
from simulator.demo_store.address import CALLBACKS, TOKEN, StoreAddress, store_address
from tests.support.waiting import until

STARTS_S, ENDS_S = 60.0, 10.0
CALLBACK = (
    b'{"callback": {"scope": "store/product/updated", "producer": "stores/example", "created_at": 1561479233, '
    b'"data": {"type": "product", "id": 205}}, "fields": {"name": "Lamp of brass"}}'
)


@contextmanager
def running(data_dir: Path) -> Iterator[tuple[StoreAddress, subprocess.Popen[str]]]:
    """Run the command as `penstock up` does; what it logs is in `store.log`."""
    path = demo_configuration(data_dir, ports.free_port())
    address = store_address(loading.load(path, {}))
    assert address is not None
    environment = os.environ | {"PENSTOCK_CONFIG": str(path), "PENSTOCK_DATA_DIR": str(data_dir)}
    with (data_dir / "store.log").open("a") as log:
        command = [sys.executable, "-m", "console.entry", "demo-store"]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, text=True)
    try:
        yield address, process
    finally:
        process.kill()
        process.wait(ENDS_S)


def names(address: StoreAddress) -> list[str]:
    """Return the names of the products, as the API shows them."""
    headers = {TOKEN: address.token({})}
    url = f"{address.url}/stores/example/v3/catalog/products"
    return [product["name"] for product in httpx.get(url, headers=headers, trust_env=False).json()["data"]]


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_store_is_the_same_after_a_restart(tmp_path: Path, ending: signal.Signals) -> None:
    """Also after a kill; a stop ends it with 0. Only this machine reaches it."""
    with running(tmp_path) as (address, process):
        until(lambda: ports.accepts(address.port), STARTS_S, "the store is served")
        first = names(address)
        headers = {TOKEN: address.token({})}
        httpx.post(f"{address.url}{CALLBACKS}", content=CALLBACK, headers=headers, trust_env=False).raise_for_status()
        process.send_signal(ending)
        assert process.wait(ENDS_S) == (-ending if ending == signal.SIGKILL else 0)

    with running(tmp_path) as (address, _):
        until(lambda: ports.accepts(address.port), STARTS_S, "it is served again")
        again = names(address)

    assert len(first) == len(again) == 12
    assert [name for name in again if name not in first] == ["Lamp of brass"]
    log = (tmp_path / "store.log").read_text()
    assert '"event": "store_answered"' in log
    assert address.token({}) not in log
    assert "Traceback" not in log


def test_taken_port_is_said(tmp_path: Path) -> None:
    """In one line, with exit code 2: a restart cannot help."""
    with socket.create_server((ports.HOST, 0)) as server:
        demo_configuration(tmp_path, server.getsockname()[1])
        with running(tmp_path) as (address, process):
            assert process.wait(STARTS_S) == 2

    assert f"penstock: 127.0.0.1:{address.port} cannot be listened on" in (tmp_path / "store.log").read_text()
    assert "Traceback" not in (tmp_path / "store.log").read_text()
