"""The refusals of `penstock up` before anything runs: exit code 2, one message with the remedy, no traceback."""

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from local import ports
from local.data_dir import LOCK
from local.errors import Refused
from local.stack import REFUSED, Demo, Options, up
from simulator.demo_configuration import demo_configuration
from simulator.demo_store.address import PREFERRED_PORT


@pytest.fixture
def taken_port() -> Iterator[int]:
    """Listen on a port of this machine."""
    with socket.create_server((ports.HOST, 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    "option",
    ["port", "kafka_port", "registry_port", "operations_port", "worker_operations_port", "loader_operations_port"],
)
def test_port_in_use_is_named_with_its_option_and_holder(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], taken_port: int, option: str
) -> None:
    """The message has the port, its holder and the option that chooses another."""
    free = Options(
        tmp_path / "data", port=0, kafka_port=0, registry_port=0, operations_port=0, worker_operations_port=0
    )
    options = replace(free, **{option: taken_port})  # type: ignore[arg-type]  # the names above are all ports

    told = _refusal(options, capfd)

    assert f"Port {taken_port} is in use by process " in told
    assert f"--{option.replace('_', '-')}" in told


def test_port_of_the_store_is_named_where_it_stands(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], taken_port: int
) -> None:
    """The demo's file keeps it, so the message names the file; a used port is no reason to write another into it."""
    options = Options(
        tmp_path / "data", port=0, kafka_port=0, registry_port=0, operations_port=0, worker_operations_port=0
    )
    demo_configuration(options.data_dir.absolute(), taken_port)
    (options.data_dir / LOCK).touch()

    told = _refusal(options, capfd, demo_configuration)

    assert f"Port {taken_port} is in use by process " in told
    assert f"choose another port with api_url in {options.data_dir.absolute()}/demo/penstock.toml" in told


def test_store_of_a_new_demo_gets_another_port_than_a_taken_one(tmp_path: Path) -> None:
    """8082 where it is free, because people see it; several demos on one machine are possible."""
    given = []

    def demo(_: Path, port: int) -> Path:
        given.append(port)
        raise Refused("enough")

    options = Options(
        tmp_path / "data", port=0, kafka_port=0, registry_port=0, operations_port=0, worker_operations_port=0
    )
    with contextlib.ExitStack() as opened:
        with contextlib.suppress(OSError):  # it is taken by another process then
            opened.enter_context(socket.create_server((ports.HOST, PREFERRED_PORT)))
        assert up(options, demo, children=()) == REFUSED

    assert given != [PREFERRED_PORT]
    assert ports.is_free(given[0])


def test_store_shares_no_port(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Both are named."""
    port = ports.free_port()
    options = Options(
        tmp_path / "data", port=port, kafka_port=0, registry_port=0, operations_port=0, worker_operations_port=0
    )

    told = _refusal(options, capfd, lambda data_dir, _: demo_configuration(data_dir, port))

    assert f"--port and api_url in {options.data_dir.absolute()}/demo/penstock.toml are both {port}" in told


def test_same_port_twice_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Two of our own servers cannot share a port; both options are named."""
    port = ports.free_port()

    told = _refusal(Options(tmp_path / "data", port=port, kafka_port=port, registry_port=0), capfd)

    assert "--port and --kafka-port" in told


def test_impossible_port_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """An invalid port number is reported as such."""
    assert "--port 70000" in _refusal(Options(tmp_path / "data", port=70_000), capfd)


def test_missing_configuration_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The demo does not replace a missing configuration."""
    options = Options(
        tmp_path / "data",
        port=0,
        kafka_port=0,
        registry_port=0,
        operations_port=0,
        worker_operations_port=0,
        config=tmp_path / "no.toml",
    )

    assert "no.toml" in _refusal(options, capfd)


def test_foreign_data_directory_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A foreign directory stays unchanged."""
    (tmp_path / "thesis.txt").touch()

    assert "--data-dir" in _refusal(Options(tmp_path), capfd)


def _refusal(options: Options, capfd: pytest.CaptureFixture[str], demo: Demo | None = None) -> str:
    """Return the message on stderr when `up` refuses to start."""
    assert up(options, demo or _no_demo, children=()) == REFUSED
    printed = capfd.readouterr()
    assert printed.out == ""
    assert "Traceback" not in printed.err
    return printed.err


def _no_demo(_data_dir: Path, _store_port: int) -> Path:
    raise AssertionError("refused before the demo is made")
