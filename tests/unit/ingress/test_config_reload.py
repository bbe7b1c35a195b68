"""The sources follow the configuration file: sources served, messages logged, and the state under a wrong file."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import structlog

from ingress.config_reload import ConfigurationFile, Follower
from ingress.observability.metrics import Metrics
from ingress.sources import Source

KAFKA = '[kafka]\nbootstrap_servers = "127.0.0.1:9092"\n'
Logs = list[Any]


def source(name: str, *secrets: str, more: str = "") -> str:
    """Return one source's part of a penstock.toml; secrets are references."""
    listed = ", ".join(f'"{secret}"' for secret in secrets)
    return f'[[sources]]\nname = "{name}"\nprovider = "shopify"\nsecrets = [{listed}]\n{more}'


class World:
    """A configuration in a file, followed; `served` are the ingress's sources."""

    def __init__(self, directory: Path, text: str, environ: Mapping[str, str] | None = None) -> None:
        self.path = directory / "penstock.toml"
        self.path.write_text(text)
        self.file = ConfigurationFile(self.path, environ or {})
        started = self.file.load()
        self.served = self.file.sources(started)
        self.metrics = Metrics(self.served.values())
        self.follower = Follower(self.file, started, self.served, self.adopt, self.metrics.reloads)
        self.adopted = 0

    def adopt(self, served: Mapping[str, Source]) -> None:
        """Serve these sources."""
        self.served = dict(served)
        self.metrics.follow(served.values())
        self.adopted += 1

    async def reload(self, text: str | None = None) -> tuple[str, Logs]:
        """Write the file, have it read, and return the result and the logged lines."""
        if text is not None:
            self.path.write_text(text)
        with structlog.testing.capture_logs() as logs:
            result = await self.follower.reload("SIGHUP")
        return result, logs

    def values(self, name: str) -> list[bytes]:
        """Return a served source's secrets."""
        return [secret.value for secret in self.served[name].secrets]

    def count(self, metric: str, **labels: str) -> float | None:
        """Return a metric's value."""
        return self.metrics.registry.get_sample_value(metric, labels)


async def test_sources_come_go_and_change(tmp_path: Path) -> None:
    """A good file is served as a whole, and the log names the differences."""
    world = World(tmp_path, source("kept", "text:a") + source("gone", "text:b") + source("turned", "text:c"))
    kept = world.served["kept"]

    result, logs = await world.reload(source("kept", "text:a") + source("turned", "text:d") + source("new", "text:e"))

    assert result == "applied"
    assert set(world.served) == {"kept", "turned", "new"}
    assert world.served["kept"] is kept
    (event,) = logs
    assert (event["added"], event["removed"], event["changed"]) == (["new"], ["gone"], ["turned"])


@pytest.mark.parametrize(("text", "problem"), [
    ("[[sources]\n", ":1: no valid TOML"),
    (source("kept", "text:a") + 'colour = "red"\n', ":5: sources[0].colour: unknown key"),
    (source("kept", "text:a", "env:NOT_THERE"), ":4: sources[0].secrets[1]: env:NOT_THERE"),
    (source("kept", "text:a") + source("more", "file:missing"), ":8: sources[1].secrets[0]: file:"),
    ("", "[[sources]]: expected at least one"),
    (KAFKA, "[[sources]]: expected at least one"),
])  # fmt: skip
async def test_faulty_file_changes_nothing(tmp_path: Path, text: str, problem: str) -> None:
    """Mistakes are logged with their line, the sources stay unchanged, and a metric shows it until they are repaired."""
    good = source("kept", "text:a")
    world = World(tmp_path, good)
    served = world.served

    result, logs = await world.reload(text)

    assert (result, world.adopted) == ("refused", 0)
    assert world.served is served
    (event,) = logs
    assert (event["event"], event["log_level"]) == ("configuration_refused", "error")
    assert problem in event["problems"][0]
    assert world.count("penstock_ingress_configuration_last_reload_successful") == 0
    assert world.count("penstock_ingress_configuration_reloads_total", result="refused") == 1
    assert await world.reload(good) == ("unchanged", [])
    assert world.count("penstock_ingress_configuration_last_reload_successful") == 1


async def test_missing_file_changes_nothing(tmp_path: Path) -> None:
    """The file is absent between an editor's delete and its create."""
    world = World(tmp_path, source("kept", "text:a"))
    world.path.unlink()

    result, _ = await world.reload()

    assert (result, set(world.served)) == ("refused", {"kept"})


async def test_other_keys_need_a_restart(tmp_path: Path) -> None:
    """Only the sources are followed; other differences are logged, with the process that reads them, while they last."""
    world = World(tmp_path, KAFKA + source("acme", "text:a"))
    changed = KAFKA.replace("9092", "9093") + "[ingress]\nspool_bytes = 4096\n" + '[[routes]]\nname = "all"\n'

    _, logs = await world.reload(changed + source("acme", "text:b"))
    _, again = await world.reload(changed + source("acme", "text:c"))
    _, back = await world.reload(KAFKA + source("acme", "text:d"))

    needed = {event["process"]: event["keys"] for event in logs if event["event"] == "restart_needed"}
    assert needed == {"ingress": ["kafka.bootstrap_servers", "ingress.spool_bytes"], "worker": ["routes"]}
    assert [event["event"] for event in again].count("restart_needed") == 2
    assert [event["event"] for event in back] == ["configuration_reloaded"]
    assert world.values("acme") == [b"d"]


async def test_options_of_a_source_need_the_workers_restart(tmp_path: Path) -> None:
    """The ingress follows them at once, but the worker still reads bodies by those of its start."""
    world = World(tmp_path, source("acme", "text:a").replace("shopify", "generic"))

    _, logs = await world.reload(world.path.read_text() + 'options = { id_path = "order.id" }\n')

    assert [event["keys"] for event in logs if event["event"] == "restart_needed"] == [["sources.options"]]
    assert world.adopted == 1


async def test_unverified_source_is_a_warning_and_a_metric(tmp_path: Path) -> None:
    """`verify = "none"` in a reload is warned of like one at the start."""
    world = World(tmp_path, source("acme", "text:a"))
    labels = {"source": "acme", "provider": "shopify"}
    assert world.count("penstock_ingress_source_unverified", **labels) == 0

    _, logs = await world.reload(source("acme", "text:a", more='verify = "none"\n'))

    assert ("source_unverified", "warning", "acme") in [(e["event"], e["log_level"], e.get("source")) for e in logs]
    assert world.count("penstock_ingress_source_unverified", **labels) == 1


async def test_counters_of_sources_go_on(tmp_path: Path) -> None:
    """A kept source's counter continues, a removed one is shown no more, and one that returns never counts backwards."""
    both = source("acme", "text:a") + source("gone", "text:b")
    world = World(tmp_path, both)
    for tally in world.metrics.tallies.values():
        tally.accept(10, 0.001)
    labels = {"provider": "shopify", "result": "accepted", "reason": ""}

    await world.reload(source("acme", "text:a") + source("new", "text:c"))
    under_way = world.metrics.tally("gone", "shopify")
    under_way.accept(10, 0.001)

    name = "penstock_ingress_answers_total"
    assert [world.count(name, source=source, **labels) for source in ("acme", "new", "gone")] == [1, 0, None]
    await world.reload(both)
    assert [world.count(name, source=source, **labels) for source in ("acme", "new", "gone")] == [1, None, 2]


async def test_uses_follow_a_secret_to_its_new_place(tmp_path: Path) -> None:
    """Rotation puts a new secret before the old one; the old one's uses stay its own."""
    environ = {"OLD": "a", "NEW": "b"}
    world = World(tmp_path, source("acme", "env:OLD"), environ)
    (old,) = world.served["acme"].secrets
    world.metrics.tallies["acme"].use_secret(old)

    await world.reload(source("acme", "env:NEW", "env:OLD"))

    name = "penstock_ingress_secret_uses_total"
    assert world.count(name, source="acme", secret="0", ref="env:NEW") == 0
    assert world.count(name, source="acme", secret="1", ref="env:OLD") == 1


async def test_end_of_a_secret_is_a_metric(tmp_path: Path) -> None:
    """A secret with `until` shows the second from which it is refused: the end of its last day, UTC."""
    text = source("acme").replace("secrets = []", 'secrets = ["text:a", { ref = "text:b", until = 2026-12-31 }]')
    world = World(tmp_path, text)

    name = "penstock_ingress_secret_expiry_timestamp_seconds"
    assert world.count(name, source="acme", secret="1", ref="text:***[1]") == 1798761600  # 2027-01-01T00:00:00Z
    assert world.count(name, source="acme", secret="0", ref="text:***[0]") is None


def rewrite(path: Path, text: str) -> None:
    """Change a file in place, as `>` does."""
    path.write_text(text)


def replace(path: Path, text: str) -> None:
    """Replace the file by another, as editors and `mv` do."""
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.replace(path)


@pytest.mark.parametrize("change", [rewrite, replace])
async def test_secret_in_a_file_is_read_again(tmp_path: Path, change: Any) -> None:
    """A rotated file is noticed by its content, written in any way, and its new secret is served."""
    secret = tmp_path / "secret"
    secret.write_text("old\n")
    world = World(tmp_path, source("acme", "file:secret"))
    await world.reload()

    change(secret, "new\n")

    assert await world.follower.has_changed()
    await world.reload()
    assert world.values("acme") == [b"new"]
    assert not await world.follower.has_changed()


async def test_swapped_directory_of_secrets_is_noticed(tmp_path: Path) -> None:
    """Kubernetes mounts secrets as links into a directory that it swaps in one step."""
    for version in ("old", "new"):
        (tmp_path / f"..{version}").mkdir()
        (tmp_path / f"..{version}" / "secret").write_text(version)
    (tmp_path / "..data").symlink_to("..old")
    (tmp_path / "secret").symlink_to("..data/secret")
    world = World(tmp_path, source("acme", "file:secret"))
    await world.reload()

    (tmp_path / "..data_tmp").symlink_to("..new")
    (tmp_path / "..data_tmp").replace(tmp_path / "..data")

    assert await world.follower.has_changed()
    await world.reload()
    assert world.values("acme") == [b"new"]


async def test_secret_that_comes_after_its_mention_is_noticed(tmp_path: Path) -> None:
    """A configuration that waits for a secret's file is used once the file exists."""
    world = World(tmp_path, source("acme", "text:old"))
    result, _ = await world.reload(source("acme", "file:secret", "text:old"))
    assert result == "refused"
    assert not await world.follower.has_changed()

    (tmp_path / "secret").write_text("new")

    assert await world.follower.has_changed()
    await world.reload()
    assert world.values("acme") == [b"new", b"old"]


class Writing(Follower):
    """A follower that coincides with a writer of the file."""

    rest = ""

    async def settle(self) -> None:
        """Let the writer continue."""
        with (self._file.path).open("a") as file:
            file.write(self.rest)


@pytest.mark.parametrize(("rest", "is_settled"), [("", True), (source("more", "text:b"), False)])
async def test_half_written_file_waits(tmp_path: Path, rest: str, is_settled: bool) -> None:
    """A file that changes during the read is not used: half of it may parse."""
    world = World(tmp_path, source("acme", "text:a") + source("more", "text:b"))
    follower = Writing(world.file, world.file.load(), world.served, world.adopt, world.metrics.reloads)
    follower.rest = rest

    world.path.write_text(source("acme", "text:a"))

    assert await follower.has_changed() is is_settled


async def test_what_was_written_while_the_process_started_is_found(tmp_path: Path) -> None:
    """A file may change between the start's reading and the first poll."""
    world = World(tmp_path, source("acme", "text:a"))
    world.path.write_text(source("acme", "text:b"))

    assert await world.follower.has_changed()


async def test_allowlist_in_a_file_is_read_again(tmp_path: Path) -> None:
    """A new list of networks is noticed and served; a truncated one is refused, and the list stays."""
    networks = tmp_path / "own.txt"
    networks.write_text("192.0.2.0/24\n")
    world = World(tmp_path, source("guarded", "text:a", more='allow = ["file:own.txt"]\n'))
    await world.reload()

    networks.write_text("198.51.100.0/24\n")

    assert await world.follower.has_changed()
    assert (await world.reload())[0] == "applied"
    networks.write_text("")
    result, logs = await world.reload()
    assert result == "refused"
    assert ":5: sources[0].allow: " in logs[0]["problems"][0]
    assert "198.51.100.1" in (world.served["guarded"].allow or ())


def test_only_files_that_decide_are_looked_at(tmp_path: Path) -> None:
    """The configuration and the secrets' files, relative to it; environment and literal secrets have none."""
    world = World(tmp_path, source("acme", "text:a", "env:HOME"), os.environ)
    (tmp_path / "secret").write_text("s")
    world.path.write_text(source("acme", "text:a", "env:HOME", "file:secret"))

    assert world.file.decisive(world.file.load()) == (world.path, tmp_path / "secret")
