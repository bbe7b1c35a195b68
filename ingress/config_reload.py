"""Reloads the sources from penstock.toml: on SIGHUP, and when it or a file that it names changes.

checked every 2 s -> unchanged for 0.5 s, so the write is complete -> read and validated -> swapped in one step of the loop

An invalid file leaves the sources as they are. Only `[[sources]]` is reloaded; other changes need a restart, and are logged.

File contents are polled every 2 s instead of subscribing to kernel events: there are a few small files, and comparing them
costs 0.1 ms on a thread. Events (inotify) are lost on network mounts, and the subscription must be renewed when an editor
replaces a file by renaming or Kubernetes swaps the symbolic link above it. Polling works the same everywhere.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from config.loading import load
from config.model import Configuration, GenericOptions, file_of
from config.mounted_files import MountWatch
from config.problems import ConfigurationError, Problem
from config.toml_lines import key_lines, line_of
from ingress.observability.metrics import ReloadResult, Reloads
from ingress.sources import Source, sources

LOOK_S = 2.0
SETTLE_S = 0.5  # A file written in place is incomplete for some milliseconds, and may even parse.
MISSING = b"missing"
FOLLOWED = "sources"
READ_BY_THE_WORKER = frozenset({"registry", "routes", "worker", FOLLOWED})
SOURCE_OPTIONS = "sources.options"  # reloaded here, and read by the worker when it starts

log = structlog.get_logger("ingress")

Sources = Mapping[str, Source]


@dataclass(frozen=True, slots=True)
class ConfigurationFile:
    """The file to reload the configuration from; `environ` overrides it and holds `env:` secrets."""

    path: Path
    environ: Mapping[str, str] = field(repr=False)

    def load(self) -> Configuration:
        """Return the configuration in the file; raise `ConfigurationError` with every problem and its line."""
        return load(self.path, self.environ)

    def sources(self, configuration: Configuration) -> dict[str, Source]:
        """Return the sources of a configuration from this file; problems with secrets name their lines."""
        try:
            lines = key_lines(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigurationError([Problem(str(self.path), "", "changed while it was read")]) from error
        return sources(configuration, self.environ, lambda location: f"{self.path}:{line_of(location, lines)}")

    def decisive(self, configuration: Configuration) -> tuple[Path, ...]:
        """Return the files that define the sources: the configuration, secret files and allowlist files."""
        references = [secret.ref for source in configuration.sources for secret in source.secrets]
        references += [source.echoes.token or "" for source in configuration.sources if source.echoes is not None]
        references += [entry for source in configuration.sources for entry in source.allow]
        files = {file for ref in references if (file := file_of(ref)) is not None}
        return (self.path, *sorted(files))


class Follower:
    """Keeps the served sources in line with the file. Calls `adopt` with new ones, on the event loop."""

    def __init__(
        self,
        file: ConfigurationFile,
        started: Configuration,
        served: Sources,
        adopt: Callable[[Sources], None],
        reloads: Reloads,
    ) -> None:
        self._file = file
        self._started = started
        self._served = served
        self._adopt = adopt
        self._reloads = reloads
        # As if all had changed, so that the first check finds what was written since the configuration was read.
        self._seen = dict.fromkeys(file.decisive(started), b"")
        self._asked = asyncio.Event()
        self._mounts = MountWatch()

    def ask(self) -> None:
        """Read the file as soon as possible, changed or not, as on SIGHUP."""
        self._asked.set()

    async def follow(self) -> None:
        """Check repeatedly. Ends only when cancelled."""
        while True:
            cause = await self._cause()
            if cause:
                await self.reload(cause)

    async def reload(self, cause: str) -> ReloadResult:
        """Read the file and serve its sources, or log why not and go on as before."""
        self._seen = await asyncio.to_thread(
            contents, self._seen
        )  # Before reading: a later change is then found by the next check.
        try:
            configuration, found = await asyncio.to_thread(self._read)
        except ConfigurationError as error:
            log.error("configuration_refused", cause=cause, problems=[str(problem) for problem in error.problems])
            result: ReloadResult = "refused"
        else:
            result = self._serve(configuration, found, cause)
        self._reloads.count(result)
        return result

    async def has_changed(self) -> bool:
        """Return whether a file has changed since it was last read, and is no longer being written."""
        await asyncio.to_thread(self._mounts.look, list(self._seen))
        now = await asyncio.to_thread(contents, self._seen)
        if now == self._seen:
            return False
        await self.settle()
        return await asyncio.to_thread(contents, self._seen) == now  # else the next check decides

    async def settle(self) -> None:
        """Wait for a write in progress to finish."""
        await asyncio.sleep(SETTLE_S)

    async def _cause(self) -> str:
        """Return why to read the file: at once after SIGHUP, else after a check; "" if there is no reason."""
        try:
            await asyncio.wait_for(self._asked.wait(), LOOK_S)
        except TimeoutError:
            return "change" if await self.has_changed() else ""
        self._asked.clear()
        return "SIGHUP"

    def _read(self) -> tuple[Configuration, dict[str, Source]]:
        """Read the file, on a thread, because a network mount may be slow.

        A file that loses all its sources is refused: it was probably cut short, for example by a full disk.
        """
        configuration = self._file.load()
        if self._served and not configuration.sources:
            message = "expected at least one; to serve none, restart the ingress"
            raise ConfigurationError([Problem(str(self._file.path), "[[sources]]", message)])
        # A secret file is watched as soon as it is named: it may be created later.
        files = self._file.decisive(configuration)
        self._seen = contents(file for file in files if file not in self._seen) | {
            file: digest for file, digest in self._seen.items() if file in files
        }
        return configuration, self._file.sources(configuration)

    def _serve(self, configuration: Configuration, found: dict[str, Source], cause: str) -> ReloadResult:
        """Swap the sources in one step, so that every request sees either the old ones or the new ones."""
        _warn_of_restarts(self._started, configuration)
        # Unchanged sources stay the same objects.
        served = {
            name: self._served[name] if self._served.get(name) == source else source for name, source in found.items()
        }
        if served == self._served:
            return "unchanged"
        before, self._served = self._served, served
        self._adopt(served)
        log.info("configuration_reloaded", cause=cause, **_differences(before, served))
        warn_of_unverified(served.values())
        return "applied"


def contents(files: Iterable[Path]) -> dict[Path, bytes]:
    """Return a digest of each file's contents; an unreadable file counts as missing."""
    return {file: _content(file) for file in files}


def warn_of_unverified(served: Iterable[Source]) -> None:
    """Log each source that accepts unverified deliveries."""
    for source in served:
        if not source.is_verified:
            log.warning(
                "source_unverified", source=source.name, detail='verify = "none": every post is accepted, signed or not'
            )


def _content(file: Path) -> bytes:
    try:
        return hashlib.sha256(file.read_bytes()).digest()
    except OSError:
        return MISSING


def _differences(before: Sources, after: Sources) -> dict[str, list[str]]:
    both = before.keys() & after.keys()
    return {
        "added": sorted(after.keys() - before.keys()),
        "removed": sorted(before.keys() - after.keys()),
        "changed": sorted(name for name in both if before[name] != after[name]),
    }


def _warn_of_restarts(started: Configuration, now: Configuration) -> None:
    """Log the changes since the start that are not reloaded, by the process that must be restarted."""
    keys = list(_changed_keys(started, now))
    if _options(started) != _options(now):
        keys.append(SOURCE_OPTIONS)
    worker = [key for key in keys if key.partition(".")[0] in READ_BY_THE_WORKER]
    ingress = [key for key in keys if key not in worker]
    for process, changed in (("ingress", ingress), ("worker", worker)):
        if changed:
            log.warning("restart_needed", process=process, keys=changed)


def _options(configuration: Configuration) -> dict[str, GenericOptions]:
    return {source.name: source.options for source in configuration.sources if source.options is not None}


def _changed_keys(started: Configuration, now: Configuration) -> Iterator[str]:
    for section in Configuration.model_fields:
        before, after = getattr(started, section), getattr(now, section)
        if section == FOLLOWED or before == after:
            continue
        if isinstance(after, tuple):
            yield section
            continue
        for key in type(after).model_fields:
            if getattr(before, key) != getattr(after, key):
                yield f"{section}.{key}"
