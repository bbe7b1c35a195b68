"""`penstock send` to the demo's BigCommerce source: the store of `penstock up` shows what each delivery tells of."""

import json
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from config import loading
from console import cli
from console.running import Running, leave
from simulator.demo_configuration import demo_configuration
from simulator.demo_store.address import STORE, store_address
from simulator.demo_store.app import demo_store_app
from simulator.demo_store.journal import Journal
from simulator.demo_store.service import opened
from simulator.providers.bigcommerce.fake import FakeBigCommerce
from simulator.providers.serving import serving
from tests.support.processes.fixed_answer import answering

TAKEN = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
DATA_DIR = Path(".penstock")
CALLBACK = {
    "scope": "store/product/updated",
    "producer": f"stores/{STORE}",
    "data": {"type": "product", "id": 777},
    "created_at": 1_561_479_233,
}


class Demo(Struct, frozen=True):
    """The store of a running demo, and the demo's configuration."""

    fake: FakeBigCommerce
    configuration: Path
    url: str

    def has(self, number: int) -> bool:
        """Say whether the store has a product."""
        return self.fake.store.get(STORE, "product", str(number)) is not None


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Demo]:
    """Serve the store, and write the configuration that names it."""
    monkeypatch.chdir(tmp_path)
    for name in ("CONFIG", "DATA_DIR", "URL"):
        monkeypatch.delenv(f"PENSTOCK_{name}", raising=False)
    with closing(Journal(tmp_path / "store.jsonl")) as journal:
        fake = opened("", journal)
        with serving(demo_store_app(fake, journal)) as server:
            path = demo_configuration(DATA_DIR, server.port)
            address = store_address(loading.load(path, {}))
            assert address is not None
            fake.add_store(STORE, address.token({}))
            yield Demo(fake, path, server.url)


def send(monkeypatch: pytest.MonkeyPatch, *options: str, callback: dict[str, Any] = CALLBACK) -> int:
    """Return the exit code of `penstock send bigcommerce`."""
    Path("callback.json").write_text(json.dumps(callback))
    monkeypatch.setattr(sys, "argv", ["penstock", "send", "bigcommerce", "callback.json", *options])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def run_up(demo: Demo, ingress_url: str) -> None:
    """Leave the addresses that a running `penstock up` leaves."""
    leave(
        DATA_DIR,
        Running(str(demo.configuration.absolute()), ingress_url, "127.0.0.1:1", "http://127.0.0.1:1", demo.url),
    )


def test_product_of_a_delivery_is_in_the_store(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever it is; the delivery itself is posted as it is in the file."""
    with answering(TAKEN) as url:
        run_up(demo, url)

        assert send(monkeypatch) == 0

    assert demo.has(777)


@pytest.mark.parametrize("producer", ["stores/abc123", None])
def test_other_stores_are_left_alone(demo: Demo, monkeypatch: pytest.MonkeyPatch, producer: str | None) -> None:
    """Their deliveries are decided as notifications."""
    with answering(TAKEN) as url:
        run_up(demo, url)

        assert send(monkeypatch, callback={**CALLBACK, "producer": producer}) == 0

    assert not demo.has(777)


def test_deliveries_to_somewhere_else_change_nothing_here(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another ingress has another store, or the real one."""
    run_up(demo, "http://127.0.0.1:1")
    with answering(TAKEN) as url:
        assert send(monkeypatch, "--url", url) == 0

    assert not demo.has(777)


def test_without_a_running_demo_nothing_is_told(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    """`penstock up` without a store, or none at all, is no obstacle."""
    with answering(TAKEN) as url:
        assert send(monkeypatch, "--url", url) == 0

    assert not demo.has(777)


def test_store_that_is_away_is_said_before_anything_is_posted(
    demo: Demo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A delivery would wait for a read that finds nothing."""
    demo.configuration.write_text(demo.configuration.read_text().replace(demo.url, "http://127.0.0.1:1"))
    gone = Demo(demo.fake, demo.configuration, "http://127.0.0.1:1")
    run_up(gone, "http://127.0.0.1:2")

    assert send(monkeypatch) == 2
    assert "penstock: the demo's store at http://127.0.0.1:1" in capsys.readouterr().err
