"""The configuration changes under load: no delivery is refused or lost by it, and a wrong file changes nothing."""

import asyncio
import os
import signal
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.kafka.raw_topic import RawReader
from tests.support.processes.ingress import IngressProcess, running_ingress
from tests.support.processes.posting_clients import Connection, Ledger, post_request
from tests.support.waiting import until

pytestmark = pytest.mark.kafka
RUN = uuid.uuid4().hex[:8]
KEPT, COMING = f"kept-{RUN}", f"coming-{RUN}"
SECRET, NEW = b"made-up", b"made-up-too"
IN_TIME_S = 20.0  # a poll every 2 s, and a busy machine
ROUNDS = 5


class Shop:
    """An ingress whose configuration is rewritten while clients post."""

    def __init__(self, process: IngressProcess, directory: Path, kafka: str) -> None:
        self.process = process
        self.path = directory / "penstock.toml"
        self.secret = directory / "secret"
        self._kafka = kafka

    def text(self, *names: str) -> str:
        """Return a configuration with these sources."""
        return configured(self._kafka, *names)

    def replace(self, text: str) -> None:
        """Replace the configuration file by a new one, as editors do."""
        draft = self.path.with_suffix(".draft")
        draft.write_text(text)
        draft.replace(self.path)

    def send_sighup(self) -> None:
        """Send SIGHUP."""
        os.kill(self.process.child.pid, signal.SIGHUP)

    def until_logged(self, event: str, times: int) -> None:
        """Return once an event is in the log that many times."""
        text = f'"event": "{event}"'
        until(lambda: self.process.log_text().count(text) >= times, IN_TIME_S, f"{event} for the {times}. time")

    def gauge(self, name: str) -> float:
        """Return a metric without labels."""
        lines = self.process.get("/metrics").text.splitlines()
        return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name + " "))


def configured(kafka: str, *names: str) -> str:
    """Return a penstock.toml with a source per name, signed with the secret in the file."""
    tables = [f'[[sources]]\nname = "{name}"\nprovider = "shopify"\nsecrets = ["file:secret"]\n' for name in names]
    return f'[kafka]\nbootstrap_servers = "{kafka}"\n' + "".join(tables)


@pytest.fixture
def shop(kafka: str, tmp_path: Path) -> Iterator[Shop]:
    """Give a ready ingress with one source."""
    (tmp_path / "secret").write_bytes(SECRET)
    with running_ingress(tmp_path, configured(kafka, KEPT)) as process:
        process.until_ready()
        yield Shop(process, tmp_path, kafka)


async def post_while(shop: Shop, names: list[str], change: Callable[[], None]) -> dict[str, Ledger]:
    """Post to each source without pause from several clients until the change is done; return the answers of each."""
    ledgers = {name: Ledger() for name in names}
    changing = asyncio.create_task(asyncio.to_thread(change))

    async def client(name: str, number: int) -> None:
        connection, ledger, posted = Connection(shop.process.port), ledgers[name], 0
        while not changing.done():
            delivery_id = f"{name}-{number}-{posted}"
            status = await connection.post(post_request(name, SECRET, delivery_id))
            ledger.accepted.add(delivery_id) if status == 200 else ledger.refused.append(status)
            posted += 1
        connection.close()

    await asyncio.gather(*(client(name, number) for name in names for number in range(4)))
    await changing
    return ledgers


async def test_reloads_cost_no_delivery(shop: Shop, kafka: str) -> None:
    """While a source comes, goes, and the file is wrong, every post to the other one is answered 200 and on the topic."""

    def change() -> None:
        for number in range(ROUNDS):
            shop.replace(shop.text(KEPT, COMING))
            until(lambda: shop.process.get(f"/v1/{COMING}").status_code == 200, IN_TIME_S, "the new source is served")
            shop.path.write_text(shop.text(KEPT, COMING) + "[[sources]\n")
            shop.send_sighup()
            shop.until_logged("configuration_refused", number + 1)
            assert shop.process.get(f"/v1/{COMING}").status_code == 200
            shop.path.write_text(shop.text(KEPT))
            shop.send_sighup()
            until(lambda: shop.process.get(f"/v1/{COMING}").status_code == 404, IN_TIME_S, "the source is gone")

    with RawReader(kafka) as raw:
        ledgers = await post_while(shop, [KEPT, COMING], change)
        kept = [delivery.delivery_id for delivery in raw.deliveries(KEPT)]
        coming = [delivery.delivery_id for delivery in raw.deliveries(COMING)]

    assert ledgers[KEPT].refused == []
    assert sorted(kept) == sorted(ledgers[KEPT].accepted)
    assert set(ledgers[COMING].refused) == {404}
    assert sorted(coming) == sorted(ledgers[COMING].accepted)
    assert len(kept) > 100
    assert len(coming) > 0


def test_rotated_secret_file_is_served_and_counted(shop: Shop) -> None:
    """A new secret in the same file replaces the old one without a restart, and its uses are counted."""

    def status(secret: bytes) -> int:
        head, _, body = post_request(KEPT, secret, f"rotated-{uuid.uuid4()}").partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        return shop.process.post(f"/v1/{KEPT}", body, headers).status_code

    assert (status(SECRET), status(NEW)) == (200, 401)
    shop.secret.write_bytes(NEW)

    until(lambda: status(NEW) == 200, IN_TIME_S, "the new secret is accepted")

    assert status(SECRET) == 401
    assert f'ref="file:{shop.secret}",secret="0",source="{KEPT}"' in shop.process.get("/metrics").text


def test_faulty_file_is_named_and_shown(shop: Shop) -> None:
    """The log has file, line and key; the gauge is 0 until the file is valid again; settings that need a restart are named."""
    good = shop.text(KEPT)
    shop.path.write_text(good + "secret = 7\n")
    shop.send_sighup()
    shop.until_logged("configuration_refused", 1)

    (refused,) = [event for event in shop.process.events() if event["event"] == "configuration_refused"]
    assert f"{shop.path}:{good.count(chr(10)) + 1}: sources[0].secret: unknown key" in refused["problems"][0]
    assert shop.gauge("penstock_ingress_configuration_last_reload_successful") == 0

    shop.path.write_text(good + "[ingress]\nspool_bytes = 5000\n")
    shop.until_logged("restart_needed", 1)
    assert shop.gauge("penstock_ingress_configuration_last_reload_successful") == 1
