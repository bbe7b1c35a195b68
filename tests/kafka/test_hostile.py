"""Hostile payloads on their way through Kafka: no command writes them to a terminal unescaped."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.builders.noisy_products import ensure_raw
from tests.support.faults.hostile_text import HOSTILE, LEGIBLE, OURS, WITH_KAFKA, assert_harmless
from tests.support.oracle.ledger import OutcomeCount
from tests.support.processes.ingress import running_ingress
from tests.support.processes.workers import running, wait_until

pytestmark = pytest.mark.kafka
RUN = uuid.uuid4().hex[:8]
SOURCE, APP = f"hostile-{RUN}", f"hostile-{RUN}"
DELIVERY_ID = f"id-{RUN}-\x9b2J\x85forged"  # from a header, where HTTP allows C1
DEAD_ID = f"dead-{RUN}-\x9b2J"
STORE = f"hostile-store-{RUN}"
WAITING = {"scope": "store/cart/updated", "producer": "stores/a", "hash": "h", "created_at": 1_700_000_000}
FIELD = "vendor\x9b"
DOCUMENT = {"id": HOSTILE + RUN, "title": LEGIBLE + HOSTILE, FIELD: "x", HOSTILE: [HOSTILE]}
PAUSED = f'paused = ["product"]\n[[routes]]\nname = "near"\nsource = "{SOURCE}"\nfilter = "vendors:x"\n'
"""What `replay` finds decided otherwise, and `check --online` names with what may be meant."""

COMMANDS: dict[str, tuple[tuple[str, ...], int]] = {
    "tail": (("--from-beginning", "--max", "2", "--source", SOURCE), 0),
    "explain": ((DELIVERY_ID,), 0),
    "replay": (("--since", "1h", "--source", SOURCE, "--dry-run"), 0),
    "check": (("--online",), 0),
    "state get": ((HOSTILE + RUN, "--seen"), 0),
    "state list": (("--source", SOURCE), 0),
    "state count": (("--source", SOURCE, "--seen"), 0),
    "schema drift": (("--source", SOURCE), 0),
    "dead list": (("--source", SOURCE, "--all"), 0),
    "dead show": ((DEAD_ID,), 0),
    "dead retry": ((DEAD_ID, "--by", HOSTILE), 1),
    "dead edit": ((DEAD_ID, "--set", f"/{HOSTILE}=1"), 2),
    "dead drop": ((DEAD_ID, "--because", HOSTILE), 0),
    "pending list": (("--source", STORE, "--deliveries"), 0),
    "pending now": (("--source", STORE, "--yes", "--wait", "0.1"), 1),
    "pending give-up": (("--source", STORE, "--because", HOSTILE), 1),  # nobody agrees
    "reconcile": (("--source", STORE, "--resource", HOSTILE, "--by", HOSTILE, "--wait", "20"), 1),
    "backfill": (("--source", STORE, "--resource", HOSTILE, "--by", HOSTILE, "--wait", "20"), 1),
}
"""The arguments of each, and what it ends with."""


@pytest.fixture(scope="module")
def configuration(kafka: str, registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give a configuration whose worker has decided two versions of a product that must not be printed raw."""
    text = f'[kafka]\nbootstrap_servers = "{kafka}"\n[registry]\nurl = "{registry}"\n[worker]\napp = "{APP}"\n'
    text += f'[[sources]]\nname = "{STORE}"\nprovider = "bigcommerce"\nverify = "none"\n'
    text += 'api_token = "text:made-up"\napi_url = "http://127.0.0.1:1"\n'
    text += f'[[sources]]\nname = "{SOURCE}"\nprovider = "generic"\nverify = "none"\n'
    ensure_raw(kafka, APP)
    with (
        closing(OutcomeCount(kafka, registry, SOURCE)) as outcomes,
        running_ingress(tmp_path_factory.mktemp("ingress"), text) as process,
        running(tmp_path_factory.mktemp("worker"), text) as workers,
    ):
        process.until_ready()
        for number, delivery_id in enumerate((DELIVERY_ID, f"{DELIVERY_ID}-2")):
            body = json.dumps(DOCUMENT | {"number": number, "updated_at": f"2026-11-21T10:00:0{number}Z"})
            headers = {"x-webhook-delivery": delivery_id.encode("latin-1"), "x-webhook-event": b"product.\x9b31m"}
            assert process.post(f"/v1/{SOURCE}", body.encode(), headers).status_code == 200
        dead_headers = {"x-webhook-delivery": DEAD_ID.encode("latin-1"), "x-webhook-event": b"product.\x9b31m"}
        assert process.post(f"/v1/{SOURCE}", f"broken {HOSTILE}".encode(), dead_headers).status_code == 200
        for number in range(2):
            called = json.dumps(WAITING | {"data": {"type": "cart", "id": f"{HOSTILE}{number}"}}).encode()
            headers = {"webhook-id": f"{DELIVERY_ID}-{number}".encode("latin-1")}
            assert process.post(f"/v1/{STORE}", called, headers).status_code == 200
        workers.start(0)
        wait_until(lambda: outcomes() >= 3, "all are decided", 120)
        path = tmp_path_factory.mktemp("console") / "penstock.toml"
        path.write_text(text + PAUSED)
        yield path


def printed(configuration: Path, command: str, *more: str, is_coloured: bool = False) -> str:
    """Return a command's output on both streams, without our own colours."""
    arguments, code = COMMANDS[command]
    done = subprocess.run(
        [str(Path(sys.executable).parent / "penstock"), *command.split(), *arguments, *more],
        env=os.environ | {"PENSTOCK_CONFIG": str(configuration)} | (COLOURED if is_coloured else {}),
        capture_output=True,
        check=False,
        timeout=60,
    )
    shown = OURS.sub("", (done.stdout + done.stderr).decode())
    assert done.returncode == code, shown
    return shown


COLOURED = {"FORCE_COLOR": "1", "COLUMNS": "4000"}


def test_every_command_that_reads_kafka_is_here() -> None:
    """tests/unit/console/test_hostile.py checks that every command is covered here or there."""
    assert set(COMMANDS) == WITH_KAFKA


@pytest.mark.parametrize("how", ["piped", "coloured", "json"])
@pytest.mark.parametrize("command", COMMANDS)
def test_what_was_posted_is_shown_escaped(configuration: Path, command: str, how: str) -> None:
    """For people, with and without colours, and for programs."""
    if command.startswith("pending"):
        wait_until(lambda: STORE in printed(configuration, "pending list", "--json"), "two deliveries wait", 60)
    shown = printed(configuration, command, *(["--json"] if how == "json" else []), is_coloured=how == "coloured")

    assert_harmless(shown)
    assert "Traceback" not in shown
    if command in {"tail", "state get", "state list", "replay", "explain", "pending list", "pending now"}:
        assert r"\u001b]0;owned" in shown if how == "json" else r"\x1b]0;owned" in shown or r"\x9b2J" in shown
    if command == "check":
        assert "vendor\\" in shown.replace("\\\\", "\\"), shown


@pytest.mark.parametrize("command", ["tail", "state get"])
def test_legible_text_stays_legible(configuration: Path, command: str) -> None:
    """Accents, wide and right-to-left letters and joined emoji are shown unchanged, in JSON too."""
    assert LEGIBLE in printed(configuration, command)
    assert LEGIBLE in printed(configuration, command, "--json")


def records(configuration: Path, command: str) -> list[dict[str, Any]]:
    """Return the machine-readable output of a command."""
    return [json.loads(line) for line in printed(configuration, command, "--json").splitlines() if line[0] == "{"]


def test_json_is_the_same_value(configuration: Path) -> None:
    """Programs read the exact posted values."""
    first, second = records(configuration, "tail")
    (story,) = records(configuration, "explain")

    assert {first["resource_id"], second["resource_id"]} == {HOSTILE + RUN}
    assert second["after"] == DOCUMENT | {"number": 1, "updated_at": "2026-11-21T10:00:01Z"}
    assert story["delivery"]["delivery_id"] == DELIVERY_ID
