"""`penstock state` against a real worker's changelogs, while the worker runs."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.builders.noisy_products import START, ensure_raw, feed, product
from tests.support.oracle.ledger import OutcomeCount
from tests.support.processes.workers import configured, running, wait_until

pytestmark = pytest.mark.kafka
PRODUCTS = 120
FIRST = str(10**15)
VARIANT = 77


@dataclass(frozen=True)
class Commands:
    """A configuration whose worker has decided everything and still runs."""

    configuration: Path
    source: str
    app: str

    def run(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        """Return the output of `penstock state` on stdout and stderr; it must end with this code."""
        command = [str(Path(sys.executable).parent / "penstock"), "state", *arguments]
        environment = {**os.environ, "PENSTOCK_CONFIG": str(self.configuration)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout, done.stderr

    def records(self, *arguments: str) -> list[dict[str, Any]]:
        """Return the JSON output of `penstock state`."""
        return [json.loads(line) for line in self.run(*arguments, "--json")[0].splitlines()]


@pytest.fixture(scope="module")
def commands(kafka: str, registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    """Give 120 products, each shown in two versions, one deleted, one shown twice, and the first with a variant."""
    source, app = f"shop-{uuid.uuid4().hex[:8]}", f"state-{uuid.uuid4().hex[:8]}"
    directory = tmp_path_factory.mktemp("state")
    ensure_raw(kafka, app)
    variants = [{"id": VARIANT, "updated_at": (START + timedelta(seconds=2)).isoformat()}]
    shown = [
        product(source, number, second, f"title {number} at {second}", f"{source}-{number}-{second}", variants[number:])
        for second in (1, 2)
        for number in range(PRODUCTS)
    ]
    shown += [product(source, 0, 2, "title 0 at 2", f"{source}-again", variants), shown[0]]
    shown.append(product(source, 7, 9, "", f"{source}-deleted", is_deleted=True))
    feed(kafka, iter(shown))
    outcomes = OutcomeCount(kafka, registry, source)
    with closing(outcomes), running(directory, configured(kafka, registry, source, app)) as workers:
        workers.start(0)
        wait_until(lambda: outcomes() >= len(shown), "every outcome", 120)
        yield Commands(workers.configuration, source, app)


@pytest.mark.parametrize("is_whole_key", [True, False])
def test_get_shows_the_newest_state(commands: Commands, is_whole_key: bool) -> None:
    """By id or by key: version, content, what was seen; the document as it is stored."""
    key = f"shopify|{commands.source}|example.myshopify.com|product|{FIRST}"

    (found,) = commands.records("get", key if is_whole_key else FIRST, "--seen")

    assert (found["resource_key"], found["version"], found["is_deleted"]) == (key, "2026-01-01T00:00:02Z", False)
    assert found["document"]["title"] == "title 0 at 2"
    assert found["fingerprint"]
    assert found["event_id"]
    newest, oldest = sorted(found["seen"], key=lambda version: version["version"], reverse=True)
    assert newest["delivery_ids"] == [f"{commands.source}-0-2", f"{commands.source}-again"]
    assert oldest["delivery_ids"] == [f"{commands.source}-0-1"]


def test_get_is_readable_and_says_how_new_it_is(commands: Commands) -> None:
    """For people: the same, and the moment on stderr."""
    printed, said = commands.run("get", FIRST, "--seen")

    assert (
        f"shopify|{commands.source}|example.myshopify.com|product|{FIRST}\n  version      2026-01-01T00:00:02+00:00\n"
        in printed
    )
    assert f"1 contents by {commands.source}-0-2, {commands.source}-again" in printed
    assert '"title": "title 0 at 2"' in printed
    assert said.startswith("as of ")


def test_child_is_a_resource_like_any(commands: Commands) -> None:
    """What a product lists is found by its id; the index of the product's children is no resource."""
    (found,) = commands.records("get", str(VARIANT))

    assert found["resource_key"] == f"shopify|{commands.source}|example.myshopify.com|variant|{VARIANT}"
    assert found["document"] == {"id": VARIANT, "updated_at": "2026-01-01T00:00:02+00:00"}


def test_deleted_resource_is_remembered_as_deleted(commands: Commands) -> None:
    """Without a document."""
    (found,) = commands.records("get", str(10**15 + 7))

    assert (found["is_deleted"], found["document"], found["fingerprint"]) == (True, None, None)
    assert found["event_time"] == f"{START:%Y-%m-%dT%H:%M}:09Z"


def test_unknown_resource_ends_with_1(commands: Commands) -> None:
    """And says where to look."""
    printed, said = commands.run("get", "no-such-id", code=1)

    assert printed == ""
    assert "nothing is stored of 'no-such-id'; `penstock state list`" in said


def test_list_shows_each_resource_once(commands: Commands) -> None:
    """However often it was stored; the deleted one was stored last."""
    found = commands.records("list", "--limit", "0")

    assert len(found) == len({row["resource_key"] for row in found}) == PRODUCTS + 1
    assert {row["version"] for row in found if not row["is_deleted"]} == {"2026-01-01T00:00:02Z"}
    assert "document" not in found[0]


def test_list_selects_and_ends_at_its_limit(commands: Commands) -> None:
    """By source, type and the beginning of the id; it says when there may be more."""
    printed, said = commands.run("list", "--limit", "3", "--provider", "shopify", "--resource", "product")
    assert len(printed.splitlines()) == 3
    assert "the first 3; there may be more" in said

    assert len(commands.records("list", "--prefix", f"{FIRST[:-1]}")) == 10
    assert (
        len(commands.records("list", "--prefix", f"shopify|{commands.source}|example.myshopify.com|", "--limit", "0"))
        == PRODUCTS + 1
    )
    assert commands.records("list", "--source", "other") == []
    assert commands.records("list", "--resource", "order") == []


def test_count_tells_the_living_from_the_deleted(commands: Commands) -> None:
    """By provider, source, tenant and type; versions on request."""
    products, variants, versions = commands.records("count", "--seen")

    kind = {"provider": "shopify", "source": commands.source, "tenant": "example.myshopify.com"}
    assert products == {**kind, "resource": "product", "live": PRODUCTS - 1, "deleted": 1}
    assert variants == {**kind, "resource": "variant", "live": 1, "deleted": 0}
    assert versions == {"seen_versions": 2 * PRODUCTS + 1}
    assert f"{PRODUCTS - 1:,} live" in commands.run("count")[0]


def test_worker_that_never_ran_is_told(commands: Commands, tmp_path: Path) -> None:
    """Another app: its changelog does not exist, and the message says which one."""
    other = tmp_path / "other.toml"
    other.write_text(commands.configuration.read_text().replace(commands.app, "nobody"))

    _, said = Commands(other, commands.source, "nobody").run("count", code=2)

    assert "there is no topic penstock.nobody.latest-changelog" in said
    assert "Traceback" not in said
