"""Hostile text from a payload, a server, a file or a configuration: no command writes it to a terminal unescaped.

Each command runs as a person runs it, and its output is checked on stdout and stderr, piped and in colour. Those that read
Kafka are in tests/kafka/test_hostile.py; tests/unit/test_output.py shows that no other code can print.
"""

import hmac
import json
import sys
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from console import cli
from console.pending import report as pending_report
from console.pending.waiting import Waiting, WaitingDelivery
from console.queries.replay_input import Scope
from console.queries.replay_report import Report
from ingress.delivery.spool_file import Row, SpoolFile, pack
from local import logs
from local.screen import output, say
from schemas.fetches import Standing
from schemas.records import Correction, RawDelivery
from simulator.providers.bigcommerce.fake import FakeBigCommerce
from simulator.providers.bigcommerce.routes import bigcommerce_app
from simulator.providers.serving import serving
from sinks.warehouse import opening
from sinks.warehouse.rows.batch import batch_of
from sinks.warehouse.settings import WarehouseSettings
from streams.replay.differences import Decided, DeliveryDifference, Event, EventDifference, StateDifference
from streams.replay.redecide import Tally
from tests.support.builders.loaded_changes import PRODUCT, SYNCED, layouts
from tests.support.faults.hostile_text import (
    HOSTILE,
    LEGIBLE,
    LINE,
    OURS,
    WITH_KAFKA,
    WITHOUT_KAFKA,
    assert_harmless,
)
from tests.support.processes.fixed_answer import answering

SECRET = b"made-up"
MOMENT = datetime(2026, 11, 21, 10, tzinfo=UTC)
NOWHERE = "http://127.0.0.1:1"
QUOTED = json.dumps(HOSTILE)  # in the notation of TOML and JSON
CONFIGURED = {
    "unknown key": f'[[sources]]\nname = "acme"\nprovider = "shopify"\nsecrets = ["text:s"]\n{QUOTED} = 1\n',
    "value": f'[[sources]]\nname = "acme"\nprovider = {QUOTED}\nsecrets = ["text:s"]\n',
    "name": f'[[sources]]\nname = {QUOTED}\nprovider = "shopify"\nsecrets = ["text:s"]\n',
    "address": f'[[sources]]\nname = "a"\nprovider = "shopify"\nsecrets = ["text:s"]\nallow = [{QUOTED}]\n',
    "secret": f'[[sources]]\nname = "a"\nprovider = "shopify"\nsecrets = ["env:A{HOSTILE.encode().hex()}", {QUOTED}]\n',
    "filter": f'[[routes]]\nname = "r"\nfilter = {json.dumps("a: " + HOSTILE)}\n',
    "certificate": f"[ingress]\ntls_certificate = {QUOTED}\n",
    "options": f'[kafka.options]\n"sasl.password" = {json.dumps("file:" + HOSTILE)}\n',
    "no TOML": f"[kafka]\n{HOSTILE}",
}
COMMANDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "acls": (
        ("acls", HOSTILE),
        ("acls", "--topics-exist", "--principal", HOSTILE),
        ("acls", "--json", "--principal", HOSTILE),
    ),
    "check": (("check",), ("check", "--json")),
    "up": (("up", "--data-dir", "foreign"),),
    "ingress": (("ingress",),),
    "worker": (("worker",),),
    "demo-store": (("demo-store",),),
    "send": (
        ("send", "acme", "product.json", "-t", HOSTILE, "--url", NOWHERE),
        ("send", "acme", "product.json", "-t", "a", "--url", f"http://127.0.0.1:1/{HOSTILE}"),
        ("send", HOSTILE, "product.json", "-t", "a/b"),
        ("send", "acme", HOSTILE, "-t", "a/b"),
    ),
    "spool": (("spool", "--data-dir", "data"), ("spool", "--data-dir", "data", "--json")),
    "verify": (
        ("verify", "request.http", "-p", "shopify", "--secret", "text:made-up"),
        ("verify", "request.http", "-p", "shopify", "--secret", "text:made-up", "--json"),
        ("verify", HOSTILE, "-p", "shopify", "--secret", "text:made-up"),
        ("verify", "request.http", "-p", HOSTILE, "--secret", "text:made-up"),
        ("verify", "request.http", "-s", HOSTILE),
    ),
    "try-filter": (
        ("try-filter", "title:*", "product.json"),
        ("try-filter", "title:*", "product.json", "--json"),
        ("try-filter", "title:*", "product.json", "--before", "product.json"),
        ("try-filter", f"title:{HOSTILE}", "product.json"),
        ("try-filter", f'title:"{HOSTILE}" {HOSTILE}', "product.json"),
        ("try-filter", "a:b", "delivery.json", "--provider", "generic", "--topic", HOSTILE),
        ("try-filter", "a:b", "product.json", "--provider", HOSTILE),
        ("try-filter", "a:b", HOSTILE),
    ),
    "tail": (("tail",),),
    "explain": (("explain", HOSTILE),),
    "replay": (("replay", "--since", HOSTILE), ("replay", "--since", "1h", "--source", HOSTILE)),
    "dead list": (("dead", "list", "--reason", HOSTILE), ("dead", "list", "--since", HOSTILE)),
    "dead show": (("dead", "show", HOSTILE),),
    "dead retry": (("dead", "retry"), ("dead", "retry", HOSTILE, "--by", HOSTILE * 9)),
    "dead edit": (("dead", "edit", HOSTILE, "--body", HOSTILE, "--set", HOSTILE),),
    "dead drop": (("dead", "drop", HOSTILE), ("dead", "drop", HOSTILE, "--because", " ")),
    "pending list": (("pending", "list", HOSTILE, "--reason", HOSTILE),),
    "pending now": (("pending", "now"), ("pending", "now", HOSTILE, "--reason", HOSTILE)),
    "pending give-up": (
        ("pending", "give-up", HOSTILE),
        ("pending", "give-up", HOSTILE, "--because", " "),
        ("pending", "give-up", HOSTILE, "--because", HOSTILE, "--by", HOSTILE * 9),
    ),
    "state get": (("state", "get", HOSTILE),),
    "state list": (("state", "list", "--limit", HOSTILE),),
    "state count": (("state", "count", HOSTILE),),
    "schema drift": (("schema", "drift", "--kind", HOSTILE),),
    "subscribe plan": (("subscribe", "plan"), ("subscribe", "plan", "--source", HOSTILE)),
    "subscribe apply": (("subscribe", "apply", "--plan", HOSTILE), ("subscribe", "apply", "--data-dir", HOSTILE)),
    "subscribe repair": (("subscribe", "repair", "--source", HOSTILE),),
    "load": (("load",),),
    "query": (("query", HOSTILE), ("query", "select 1", "--parquet", HOSTILE), ("query", "--file", HOSTILE)),
    "warehouse status": (("warehouse", "status"), ("warehouse", "status", "--data-dir", HOSTILE)),
    "warehouse compact": (("warehouse", "compact", "--data-dir", "product.json"),),
    "warehouse backup": (
        ("warehouse", "backup", "foreign"),
        ("warehouse", "backup", HOSTILE, "--data-dir", "product.json"),
    ),
    "warehouse rebuild": (("warehouse", "rebuild"),),
}
READERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("acls", "check", "up", "ingress", "worker", "demo-store", "tail", "state list", "state count", "schema drift"),
        (),
    ),
    **dict.fromkeys(("load", "warehouse status", "warehouse compact", "warehouse rebuild"), ()),
    "query": ("select 1",),
    "warehouse backup": ("copy",),
    **dict.fromkeys(("subscribe plan", "subscribe apply", "subscribe repair"), ()),
    "send": ("acme", "product.json", "--url", NOWHERE, "-t", "a"),
    "verify": ("request.http", "-s", "acme"),
    "explain": ("x",),
    "state get": ("x",),
    "dead list": (),
    "dead show": ("x",),
    "dead retry": ("x",),
    "dead edit": ("x",),
    "dead drop": ("x", "--because", "y"),
    "pending list": (),
    "pending now": ("x",),
    "pending give-up": ("x", "--because", "y"),
    "replay": ("--since", "1h"),
}
AT_ONCE = frozenset(CONFIGURED) - {"filter", "certificate", "options", "secret"}
FOUND_BY = dict.fromkeys(READERS, AT_ONCE) | {
    "check": frozenset(CONFIGURED),
    "up": frozenset(CONFIGURED),
    "ingress": frozenset(CONFIGURED) - {"filter"},  # each checks only the settings that it uses
    "worker": frozenset(CONFIGURED) - {"certificate", "secret", "address"},
    "demo-store": frozenset(CONFIGURED),  # whatever is left, there is no store in it
}
"""Which mistakes a command finds before it looks for Kafka or serves."""


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each command in a directory of hostile files, without this machine's settings."""
    monkeypatch.chdir(tmp_path)
    for name in ("CONFIG", "DATA_DIR", "URL", "KAFKA_BOOTSTRAP_SERVERS", "REGISTRY_URL", "WORKER_ID"):
        monkeypatch.delenv(f"PENSTOCK_{name}", raising=False)
    document = {"id": HOSTILE, "title": LEGIBLE + HOSTILE, HOSTILE: [HOSTILE], "updated_at": "2026-11-21T10:00:00Z"}
    Path("product.json").write_text(json.dumps(document, ensure_ascii=False))
    Path("delivery.json").write_text(json.dumps(document))
    digest = hmac.digest(SECRET, b"{}", "sha256").hex().encode()
    Path("request.http").write_bytes(b"x-signature: \x9b31m\xe2\x80\xaesha256=" + digest + b"\ndate: \x9b2J\n\n{}")
    Path("penstock.toml").write_text('[[sources]]\nname = "acme"\nprovider = "shopify"\nsecrets = ["text:s"]\n')
    Path("foreign").mkdir()
    Path("foreign", "thesis").touch()
    spool = SpoolFile(Path("data", "spool", "8080.sqlite"))
    spool.change([Row(1, b"key", b"body", pack([("penstock_source", (HOSTILE + LEGIBLE).encode())]), 1000.0)], ())
    spool.close()


@pytest.fixture(params=["piped", "in colour"])
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> "Run":
    """Give a function that runs the command and returns its output after checking that it is harmless."""
    if request.param == "in colour":
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("COLUMNS", "4000")
    return Run(monkeypatch, capfd)


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> "Run":
    """Give the same, with output for another program."""
    return Run(monkeypatch, capfd)


class Run:
    """Runs commands as a person does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capfd = monkeypatch, capfd

    def __call__(self, *arguments: str) -> str:
        """Return all that a command prints on both streams."""
        self._monkeypatch.setattr(sys, "argv", ["penstock", *arguments])
        with pytest.raises(SystemExit):
            cli.main()
        return self.printed()

    def printed(self) -> str:
        """Return the output since the last call; it must be harmless except for colours."""
        captured = self._capfd.readouterr()
        printed = OURS.sub("", captured.out + captured.err)
        assert_harmless(printed)
        return printed


def every_command() -> set[str]:
    """Return the names of all commands, those of a group with the group's before them."""
    commands = dict(getattr(get_command(cli.app), "commands", {}))
    groups = {name: commands.pop(name) for name in ("dead", "pending", "schema", "state", "subscribe", "warehouse")}
    return {*commands, *(f"{group} {name}" for group, held in groups.items() for name in held.commands)}


def test_every_command_is_held_to_it() -> None:
    """A new command needs hostile cases, here or with Kafka."""
    assert every_command() == WITHOUT_KAFKA | WITH_KAFKA
    assert every_command() == set(COMMANDS)


@pytest.mark.parametrize("form", [(), ("--csv",), ("--json",)])
def test_result_of_a_query_is_shown_escaped(run: Run, tmp_path: Path, form: tuple[str, ...]) -> None:
    """Documents reach the warehouse as they are: values, names of columns and messages of DuckDB are anybody's text."""
    with closing(opening.writer(WarehouseSettings("ducklake", tmp_path / "data" / "warehouse", False))) as made:
        made.apply(batch_of((), made.offsets(), layouts(PRODUCT), SYNCED))
    value, name = LEGIBLE + HOSTILE.replace("'", "''").replace("\0", ""), HOSTILE.replace('"', '""').replace("\0", "")

    printed = run("query", f"select '{value}' as \"{name}\"", "--data-dir", "data", *form)
    assert LEGIBLE in printed or not form  # a table is as wide as the terminal
    assert "Traceback" not in run("query", f'select "{name}"', "--data-dir", "data", *form)


@pytest.mark.parametrize("arguments", [given for cases in COMMANDS.values() for given in cases], ids=repr)
def test_arguments_and_files_are_shown_escaped(run: Run, arguments: tuple[str, ...]) -> None:
    """This holds for any file and command line; the services are away, so faults are shown too."""
    if arguments == ("up", "--data-dir", "foreign"):
        arguments = ("up", "--data-dir", "foreign", "--port", "0", "--kafka-port", "0", "--registry-port", "0")
    if (
        arguments[0] in {"ingress", "worker", "load"}
        or arguments == ("warehouse", "rebuild")
        or " ".join(arguments[:2]) in WITH_KAFKA
        or arguments[0] in WITH_KAFKA
    ):
        Path("penstock.toml").write_text(CONFIGURED["unknown key"])  # else it would serve, or look for Kafka

    assert "Traceback" not in run(*arguments)


@pytest.mark.parametrize(
    ("command", "what"), [(command, what) for command in READERS for what in sorted(FOUND_BY[command])]
)
def test_mistakes_in_a_configuration_are_shown_escaped(piped: Run, command: str, what: str) -> None:
    """Keys and values are quoted in messages, each on its line; a line break in one begins no line of its own."""
    Path("penstock.toml").write_text(CONFIGURED[what])

    shown = piped(*command.split(), *READERS[command], "-c", "penstock.toml")

    assert shown
    assert "Traceback" not in shown


def test_legible_text_stays_legible(run: Run) -> None:
    """Accents, wide and right-to-left letters and joined emoji are shown as they are."""
    assert LEGIBLE in run("try-filter", "title:*", "product.json")
    assert LEGIBLE in run("spool", "--data-dir", "data")


def test_json_is_the_same_value(run: Run) -> None:
    """The output is one line, and a parser gets the original text."""
    shown = run("try-filter", "title:*", "product.json", "--json")

    (line,) = shown.splitlines()
    assert json.loads(line)["resources"][0]["after"]["found"] == [LEGIBLE + HOSTILE]


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 400 Bad Request\r\ncontent-length: %d\r\n\r\n%b",
    b"HTTP/1.1 400 \x9b31m\xe2\x80\xae\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b",
    b"HTTP/1.1 503 Busy\r\ncontent-type: text/\x9b2J\r\ncontent-length: %d\r\n\r\n%b",
    b"\x1b[2J\x9b31m no HTTP at all %d %b",
])  # fmt: skip
@pytest.mark.parametrize("detail", [
    json.dumps({"error": HOSTILE, "detail": HOSTILE + LEGIBLE}, ensure_ascii=False),
    json.dumps({"error": {"a": [HOSTILE]}}),
    HOSTILE,
], ids=["object", "nested", "text"])  # fmt: skip
@pytest.mark.parametrize("is_json", [False, True])
def test_answers_of_a_server_are_shown_escaped(run: Run, answer: bytes, detail: str, is_json: bool) -> None:
    """`penstock send` shows the other side's answer, which need not come from Penstock."""
    body = detail.encode()
    with answering(answer % (len(body), body)) as url:
        shown = run("send", "acme", "product.json", "-t", "a/b", "--url", url, *(["--json"] if is_json else []))

    assert ("posted" in shown) or "no answer" in shown
    if answer.startswith(b"HTTP/1.1 400 Bad") and LEGIBLE in detail:
        (line,) = [line for line in shown.splitlines() if LEGIBLE in line or line.startswith("{")]
        assert LEGIBLE in (json.loads(line)["refusals"].popitem()[0] if is_json else line)


def test_replay_shows_differences_escaped(run: Run) -> None:
    """Ids, names, types and documents in the findings of a replay."""
    key = f"a|b|{HOSTILE}|1"
    event = Event(HOSTILE, HOSTILE, "u", key, (HOSTILE,), None)
    delivery = RawDelivery(HOSTILE, HOSTILE, HOSTILE, HOSTILE, MOMENT, key, b"{}", HOSTILE, None, None, {})
    found = EventDifference("missing", None, event, (f"/{HOSTILE}",))
    before, after = json.dumps({HOSTILE: HOSTILE}), json.dumps({HOSTILE: LEGIBLE}, ensure_ascii=False)
    correction = Correction(HOSTILE, HOSTILE, None, HOSTILE, "", before, after)
    for as_json in (False, True):
        report = Report(10, as_json)
        report.add_delivery(DeliveryDifference(delivery, Decided("changed", HOSTILE), Decided("dead", ""), (found,)))
        report.add_state(StateDifference(key, "a", HOSTILE, "", 0, correction))
        report.finish(Tally(), Scope((), {}, 0), 0)
        report.corrected({HOSTILE: HOSTILE})

        assert LEGIBLE in run.printed()


def test_what_waits_is_shown_escaped(run: Run) -> None:
    """Keys, ids and types of what a person gave up, and what a provider said of it."""
    held = WaitingDelivery(HOSTILE, HOSTILE, "webhooks.raw", 0, 1, MOMENT)
    standing = Standing(1, 0, HOSTILE + LEGIBLE)
    waiting = Waiting(f"bigcommerce|a|{HOSTILE}|{HOSTILE}|{HOSTILE}", "k", "awaits_read", HOSTILE, [held], standing)
    for as_json in (False, True):
        pending_report.print_ended([waiting], set(), 1, as_json=as_json)
        run.printed()
        pending_report.print_resources([waiting], 0, MOMENT, as_json=as_json)
        assert LEGIBLE in run.printed() or not as_json
        pending_report.print_deliveries([waiting], 0, as_json=as_json)
        run.printed()


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_hooks_at_a_provider_are_shown_escaped(run: Run, form: tuple[str, ...]) -> None:
    """Addresses and topics of hooks are anybody's text, and so is what a provider says of a failure."""
    fake = FakeBigCommerce()
    fake.add_store("abc123", "made-up-token")
    for url in (
        f"https://hooks.example.com/v1/acme/{HOSTILE}",
        f"https://{HOSTILE}",
        "https://hooks.example.com/v1/gone",
    ):
        hook = {"scope": HOSTILE, "destination": url, "is_active": True, "status": HOSTILE}
        fake.hooks.add("abc123", partial(_numbered, hook))
    with serving(bigcommerce_app(fake), fake.faults) as server:
        Path("penstock.toml").write_text(
            f'[ingress]\npublic_url = "https://hooks.example.com"\n[[sources]]\nname = "acme"\nprovider = "bigcommerce"\n'
            f'secrets = ["text:s"]\napi_url = "{server.url}"\napi_tokens = {{ abc123 = "text:made-up-token" }}\n'
            f"subscribe = [{json.dumps('store/' + HOSTILE)}]\n"
        )
        assert "Traceback" not in run("subscribe", "plan", "--prune", *form)
        assert "Traceback" not in run("subscribe", "apply", "--prune", "--yes", *form)


def _numbered(hook: dict[str, Any], number: int) -> dict[str, Any]:
    return {**hook, "id": number}


def test_a_bug_is_shown_escaped(run: Run) -> None:
    """An unexpected fault keeps its traceback; its text may quote a payload."""

    def broken() -> None:
        raise RuntimeError(HOSTILE)

    cli.app.command("broken")(broken)
    try:
        assert r"RuntimeError: \x1b]0;owned" in run("broken")
    finally:
        cli.app.registered_commands.pop()


def test_words_of_a_process_that_died_are_shown_escaped(run: Run, tmp_path: Path) -> None:
    """`penstock up` quotes the end of a log in its own messages, indented."""
    log = tmp_path / "worker.log"
    log.write_text(f"{HOSTILE}\n{LINE}\n")

    say(f"worker ended with exit code 3; the end of {log}:\n{logs.last_lines(log)}")
    output(f"penstock is ready: ingress={HOSTILE}")

    assert f"    {LINE}\n" in run.printed()
