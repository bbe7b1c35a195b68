"""The command line: exit codes, messages instead of tracebacks, and a quick --help."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from console import cli
from simulator.demo_configuration import demo_configuration

BROKEN = '[[sources]]\nname = "acme"\nprovider = "shopfy"\n'


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every command in an empty directory, without this machine's settings."""
    monkeypatch.chdir(tmp_path)
    for name in ("CONFIG", "DATA_DIR", "URL", "KAFKA_BOOTSTRAP_SERVERS", "REGISTRY_URL", "WORKER_ID"):
        monkeypatch.delenv(f"PENSTOCK_{name}", raising=False)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Return the exit code of a command."""
    monkeypatch.setattr(sys, "argv", ["penstock", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_help_documents_commands_and_exit_codes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The help text is sufficient without the source code."""
    assert run(monkeypatch, "--help") == 0

    text = capsys.readouterr().out
    for word in (
        "up",
        "ingress",
        "worker",
        "check",
        "send",
        "verify",
        "tail",
        "explain",
        "replay",
        "reconcile",
        "backfill",
        "spool",
        "state",
        "dead",
        "pending",
        "try-filter",
        "Exit codes: 0 fine; 1",
    ):
        assert word in text


@pytest.mark.parametrize(
    "command",
    [
        "up",
        "ingress",
        "worker",
        "check",
        "send",
        "verify",
        "tail",
        "explain",
        "replay",
        "reconcile",
        "backfill",
        "spool",
    ],
)
def test_every_command_has_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """Each command has a help text."""
    assert run(monkeypatch, command, "--help") == 0
    assert "--data-dir" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["list", "show", "retry", "edit", "drop"])
def test_every_command_about_dead_letters_has_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """Each has a help text, also one level down."""
    assert run(monkeypatch, "dead", command, "--help") == 0
    assert "--data-dir" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["list", "now", "give-up"])
def test_every_command_about_what_waits_has_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """Each has a help text, also one level down."""
    assert run(monkeypatch, "pending", command, "--help") == 0
    assert "--data-dir" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["get", "list", "count"])
def test_every_command_about_state_has_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """Each has a help text, also one level down."""
    assert run(monkeypatch, "state", command, "--help") == 0
    assert "--data-dir" in capsys.readouterr().out


def test_version_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """One line: name and version."""
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.startswith("penstock 0.")


def test_help_loads_nothing_slow() -> None:
    """No Kafka client, no pydantic, no Faust before a command runs; and `python -m console.cli` is the same command."""
    script = (
        "import sys, runpy; sys.argv = ['penstock', '--version']\n"
        "try: runpy.run_module('console.cli', run_name='__main__')\n"
        "except SystemExit as ended: assert not ended.code\n"
        "slow = {'confluent_kafka', 'pydantic', 'faust', 'httpx', 'starlette', 'fastavro'} & set(sys.modules)\n"
        "assert not slow, slow"
    )
    root = Path(cli.__file__).parent.parent

    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("check",), "no configuration: pass --config, write ./penstock.toml, or start `penstock up`"),
        (("check", "-c", "gone.toml"), "gone.toml: no such file or directory"),
        (("check", "-c", "broken.toml"), "broken.toml:3: sources[0].provider: expected one of bigcommerce,"),
        (("up", "-c", "broken.toml"), "did you mean 'shopify'?"),
        (("up", "--sample", "-c", "broken.toml"), "leave --config out"),
        (("worker", "-c", "broken.toml"), "broken.toml:3"),
        (("ingress", "-c", "broken.toml"), "broken.toml:3"),
        (("tail", "-c", "broken.toml"), "broken.toml:3"),
        (("explain", "id", "-c", "broken.toml"), "broken.toml:3"),
        (("send", "shopify", "x.json"), "pass --config, or a provider's name with --secret"),
        (("send", "shopify", "x.json", "--secret", "text:s", "-t", "a/b"), "x.json: no such file"),
        (("send", "shopify", "x.json", "--secret", "text:s"), "--topic"),
        (("send", "shopify", "x.json", "--secret", "env:GONE", "-t", "a/b"), "env:GONE: the environment variable GONE"),
        (("sent",), "No such command"),
    ],
)
def test_a_mistake_ends_with_2_and_its_explanation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    """A mistake never causes a traceback."""
    Path("broken.toml").write_text(BROKEN)

    code = run(monkeypatch, *arguments)

    said = capsys.readouterr().err
    assert code == 2
    assert message in " ".join(said.replace("│", " ").split())
    assert "Traceback" not in said


def test_check_finds_the_demo_in_the_data_directory(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without ./penstock.toml the command uses the demo's."""
    demo_configuration(Path(".penstock"))

    assert run(monkeypatch, "check") == 0
    assert "7 sources, 0 routes" in capsys.readouterr().out


def test_check_ends_with_1_when_a_secret_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A problem for scripts; --json has a finding a line, and then the topics of each source and of all."""
    Path("penstock.toml").write_text(BROKEN.replace("shopfy", "github") + 'secrets = ["env:GONE"]')

    assert run(monkeypatch, "check", "--json") == 1

    finding, source, everything = map(json.loads, capsys.readouterr().out.splitlines())
    assert finding["level"] == "problem"
    assert (source["level"], source["source"], everything["level"]) == ("fine", "acme", "fine")
    assert everything["topics"] == source["topics"] | {"own": 5, "all": source["topics"]["all"] + 5}
    assert everything["text"].startswith(f"topics: up to {everything['topics']['all']} in all, 4 partitions each: ")
    assert "penstock.toml:4: sources[0].secrets[0]: env:GONE" in finding["text"]


def test_send_to_nobody_ends_with_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The address and the likely reason are shown once."""
    demo_configuration(Path(".penstock"))
    Path("x.json").write_text("{}")

    code = run(monkeypatch, "send", "stripe", "x.json", "--repeat", "9", "--url", "http://127.0.0.1:1")

    assert code == 1
    assert "http://127.0.0.1:1: no answer: " in capsys.readouterr().err
