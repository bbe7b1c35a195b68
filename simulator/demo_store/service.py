"""The process of the demo's store: opens it as it was left, and serves it until told to stop."""

import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import structlog

from broker.log import configure_json
from config.private_files import create_privately
from simulator.demo_store.address import STORE, StoreAddress
from simulator.demo_store.app import demo_store_app
from simulator.demo_store.contents import contents
from simulator.demo_store.journal import Journal
from simulator.errors import SimulatorError
from simulator.providers.bigcommerce.fake import FakeBigCommerce
from simulator.providers.clock import Clock
from simulator.providers.serving import serving

log = structlog.get_logger()


def serve_demo_store(address: StoreAddress, token: str, journal_path: Path) -> None:
    """Serve the store until SIGTERM or SIGINT, and log to stderr; `SimulatorError` if its port or its file cannot be used."""
    configure_json(sys.stderr)
    create_privately()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        journal = Journal(journal_path)
    except OSError as error:
        raise SimulatorError(f"{journal_path} cannot be used: {error.strerror}") from error
    fake = opened(token, journal)
    with serving(demo_store_app(fake, journal), fake.faults, address.port) as server:
        log.info("store_ready", url=server.url, store=STORE)
        stopping.wait()
    journal.close()


def opened(token: str, journal: Journal) -> FakeBigCommerce:
    """Return the store: what it begins with, and the changes since."""
    fake = FakeBigCommerce(Clock(datetime.now(UTC), speed=1.0))
    fake.add_store(STORE, token)
    for kind, document in contents():
        fake.put(STORE, kind, document)
    for named, changed in journal.changed():
        if changed is None:
            fake.store.delete(named.store, named.kind, named.resource_id)
        else:
            fake.store.put(named.store, named.kind, named.resource_id, changed)
    return fake
