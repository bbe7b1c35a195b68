"""Download Kafka and the registry once per user, into a cache where each bundle is either complete or absent.

jgo downloads a bundle into its own directory; each file is checked against `local/pins.py`, then the directory is renamed into
place. The marker is inside, so a killed download, a full disk or a changed file is never mistaken for a program. A file lock
lets two processes start at once: the second finds what the first has fetched. When the marker exists, jgo is not imported and
the network is not used.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import itertools
import os
import shutil
import sys
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from broker.retry_policy import RetryPolicy
from local.errors import Refused
from local.pins import Bundle, Pin
from local.progress import Meter
from local.screen import say

MARKER = ".complete"
DOWNLOAD_THREADS = 4  # 46 small files are bound by round trips: 20 s sequentially, 4 s with four threads.
RETRY = RetryPolicy(
    (Refused,), first_s=1.0, longest_s=2.0, attempts=3
)  # one lost connection in 46 must not fail the download
TIMEOUT_S = 20


class _Stopped(Exception):
    """Another file of the bundle has failed, or the user pressed Ctrl-C."""


def cache_dir() -> Path:
    """Return the cache directory: PENSTOCK_CACHE, else the platform's directory for caches."""
    chosen = os.environ.get("PENSTOCK_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "penstock"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "penstock"


def is_cached(bundle: Bundle) -> bool:
    """Say whether this bundle is usable without the network."""
    return (cache_dir() / bundle.folder / MARKER).is_file()


def fetch(bundle: Bundle) -> Path:
    """Return the directory of a bundle, downloaded on the first call ever, with its progress on stderr.

    If the download fails, `Refused` says what to do and the cache is unchanged.
    """
    target = cache_dir() / bundle.folder
    if is_cached(bundle):
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _lock(target, bundle):
            if not is_cached(bundle):
                _build(bundle, target)
    except OSError as error:
        raise Refused(f"{bundle.title} cannot be kept in {target.parent}: {error}. {_ADVICE_CACHE}") from error
    return target


_ADVICE_CACHE = "Set PENSTOCK_CACHE to a directory that can be written and has 500 MB to spare."
_ADVICE_NETWORK = (
    "Check the connection and start again; behind a proxy set HTTPS_PROXY, with a mirror of Maven Central set "
    "PENSTOCK_MAVEN_URL, without any network copy the cache directory from a machine that has it."
)


@contextlib.contextmanager
def _lock(target: Path, bundle: Bundle) -> Iterator[None]:
    """Hold the bundle's lock; the kernel releases it when the process ends, for whatever reason."""
    with target.with_name(f"{target.name}.lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that is downloading {bundle.title}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(bundle: Bundle, target: Path) -> None:
    """Download, check and unpack beside the target, then rename: only the rename is visible to other processes."""
    for left_over in target.parent.glob(f"{target.name}.part-*"):  # of a killed download: this process has the lock
        shutil.rmtree(left_over)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f"{target.name}.part-") as scratch:
        files = _download(bundle, Path(scratch, "maven"))
        home = Path(scratch, "home")
        home.mkdir()
        if bundle.kind == "archive":
            _unpack(files, home)
        else:
            for file in files:
                file.rename(home / file.name)
        (home / MARKER).write_text("".join(f"{pin.sha256}  {pin.file_name}\n" for pin in bundle.pins))
        if target.exists():
            shutil.rmtree(target)  # without a marker: this module did not create it
        home.rename(target)


def _unpack(archives: list[Path], home: Path) -> None:
    for archive in archives:
        with tarfile.open(archive) as opened:
            opened.extractall(home, filter="data")


def _download(bundle: Bundle, repository: Path) -> list[Path]:
    """Return every file of a bundle, each checked, in the bundle's order."""
    if importlib.util.find_spec("jgo") is None:
        raise Refused(f"{bundle.title} is downloaded by jgo, which is missing: pip install 'penstock[local]'.")
    stop = threading.Event()
    with Meter(bundle.title, bundle.size_bytes) as meter, ThreadPoolExecutor(DOWNLOAD_THREADS) as pool:

        def count(size_bytes: int) -> None:
            if stop.is_set():
                raise _Stopped
            meter.advance(size_bytes)

        futures = [pool.submit(_download_one, pin, repository, count) for pin in bundle.pins]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:  # Ctrl-C ends the other threads at their next 8 kB instead of at the end of their file.
            stop.set()
            pool.shutdown(cancel_futures=True)
        _raise_first_fault(bundle, futures)
        return [future.result() for future in futures]


def _raise_first_fault(bundle: Bundle, futures: list[Any]) -> None:
    """Raise the fault of the first file that failed by itself, not because another did."""
    faults = [future.exception() for future in futures if not future.cancelled() and future.exception() is not None]
    first = next((fault for fault in faults if not isinstance(fault, _Stopped)), None)
    if isinstance(first, Refused):
        raise Refused(f"{bundle.title} could not be downloaded: {first} {_ADVICE_NETWORK}") from first
    if first is not None:
        raise first


def _download_one(pin: Pin, repository: Path, count: Callable[[int], None]) -> Path:
    """Return one checked file; each attempt has its own folder, and the bytes counted by a failed attempt are subtracted."""
    folders = (repository / str(number) for number in itertools.count(1))

    def attempt() -> Path:
        counted = 0

        def count_this(size_bytes: int) -> None:
            nonlocal counted
            counted += size_bytes
            count(size_bytes)

        try:
            return _resolve(pin, next(folders), count_this)
        except Refused:
            count(-counted)
            raise

    return RETRY.call(attempt)


def _resolve(pin: Pin, repository: Path, count: Callable[[int], None]) -> Path:
    import jgo.maven
    import requests

    @contextlib.contextmanager
    def progress(_file_name: str, _size_bytes: int) -> Iterator[Callable[[int], None]]:
        yield count

    url = os.environ.get("PENSTOCK_MAVEN_URL")
    context = jgo.maven.MavenContext(
        resolver=jgo.maven.PythonResolver(progress_callback=progress),
        repo_cache=repository,
        remote_repos={"mirror": url} if url else None,
        timeout=TIMEOUT_S,
    )
    component = context.project(pin.group, pin.artifact).at_version(pin.version)
    try:
        file = Path(component.artifact(pin.classifier, pin.packaging).resolve())
    except (requests.RequestException, RuntimeError) as error:  # RuntimeError: jgo found it in no repository
        raise Refused(f"{pin.file_name}: {error}.") from error
    _check(pin, file)
    return file


def _check(pin: Pin, file: Path) -> None:
    """Refuse a file that differs by any byte from the tested one."""
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    if digest != pin.sha256:
        raise Refused(
            f"{pin.file_name}: expected {pin.size_bytes} bytes with SHA-256 {pin.sha256[:12]}…, "
            f"got {file.stat().st_size} bytes with {digest[:12]}…."
        )
