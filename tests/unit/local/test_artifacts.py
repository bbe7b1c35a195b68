"""A download is complete in the cache or absent, after any failure; jgo does the fetching for real."""

import hashlib
import io
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from msgspec.structs import replace

from local import artifacts
from local.errors import Refused
from local.pins import KAFKA, REGISTRY, Bundle, Pin
from tests.support.processes.http_server import serving

JAR = b"jar of many bytes " * 5_000
ARCHIVE_FILES = {"quarkus-run.jar": b"run", "lib/main/a.jar": b"a"}


@dataclass
class Mirror:
    """A Maven repository on this machine: file name to bytes, and how much of each is really sent."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    sent_fraction: float = 1.0
    asked: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Mirror]:
    """Serve files over HTTP and make them and an empty cache the ones in use."""

    class Files(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.gate.wait(30)
            name = self.path.rpartition("/")[2]
            body = served.files.get(name)
            served.asked.append(name)
            if body is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: int(len(body) * served.sent_fraction)])

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Files)
    with serving(server):
        served = Mirror(f"http://127.0.0.1:{server.server_port}/maven2")
        served.gate.set()
        monkeypatch.setenv("PENSTOCK_MAVEN_URL", served.url)
        monkeypatch.setenv("PENSTOCK_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(artifacts, "RETRY", replace(artifacts.RETRY, first_s=0.0))
        yield served


def test_first_call_downloads_later_calls_touch_nothing(mirror: Mirror, capfd: pytest.CaptureFixture[str]) -> None:
    """Files are fetched and shown once; then neither the network nor jgo is needed."""
    bundle = _jars(mirror, "first", "second")

    home = artifacts.fetch(bundle)

    assert {file.name for file in home.glob("*.jar")} == {"first-1.0.jar", "second-1.0.jar"}
    assert f"downloading {bundle.title}" in capfd.readouterr().err
    mirror.asked.clear()
    assert artifacts.fetch(bundle) == home
    assert mirror.asked == []
    assert capfd.readouterr().err == ""


def test_cached_bundle_needs_no_jgo(mirror: Mirror) -> None:
    """With the marker, jgo and its HTTP client are not even imported: a start needs no network."""
    home = artifacts.fetch(_jars(mirror, "first"))
    script = f"""
import sys
from tests.unit.local.test_artifacts import pinned
from local import artifacts
from local.pins import Bundle
assert str(artifacts.fetch(Bundle("test", "test", "jars", (pinned("first"),)))) == {str(home)!r}
assert not any(name.partition(".")[0] in ("jgo", "requests") for name in sys.modules), sorted(sys.modules)
"""

    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_archive_is_unpacked(mirror: Mirror) -> None:
    """An archive's files are at the paths that the program uses."""
    home = artifacts.fetch(_archive(mirror))

    assert {str(file.relative_to(home)): file.read_bytes() for file in home.rglob("*.jar")} == ARCHIVE_FILES


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda mirror: setattr(mirror, "sent_fraction", 0.5), "first-1.0.jar"),
        (lambda mirror: mirror.files.update({"first-1.0.jar": JAR + b"evil"}), "SHA-256"),
        (lambda mirror: mirror.files.clear(), "not found"),
    ],
    ids=["half", "changed", "missing"],
)
def test_bad_download_is_refused_and_not_kept(mirror: Mirror, spoil: object, told: str) -> None:
    """Half a file, another file and no file each say what to do and leave a cache that the next call repairs."""
    bundle = _jars(mirror, "first")
    files = dict(mirror.files)
    assert callable(spoil)
    spoil(mirror)

    with pytest.raises(Refused, match=told) as refused:
        artifacts.fetch(bundle)

    assert "HTTPS_PROXY" in str(refused.value)
    assert not artifacts.is_cached(bundle)
    assert [file.name for file in artifacts.cache_dir().iterdir() if file.suffix != ".lock"] == []
    mirror.sent_fraction = 1.0
    mirror.files.update(files)
    assert (artifacts.fetch(bundle) / "first-1.0.jar").read_bytes() == JAR


def test_unreachable_repository_is_refused(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network the message names the file and the remedies."""
    bundle = _jars(mirror, "first")
    monkeypatch.setenv("PENSTOCK_MAVEN_URL", "http://127.0.0.1:9/maven2")

    with pytest.raises(Refused, match=r"first-1\.0\.jar.*Check the connection"):
        artifacts.fetch(bundle)


def test_killed_download_is_forgotten(mirror: Mirror) -> None:
    """A killed process's leftovers are neither trusted nor kept."""
    bundle = _jars(mirror, "first")
    mirror.gate.clear()
    process = subprocess.Popen([sys.executable, "-c", _FETCH_SCRIPT], stderr=subprocess.PIPE)
    assert process.stderr is not None
    process.stderr.readline()  # it says that it is downloading, after the temporary directory was made
    process.kill()
    process.wait()
    process.stderr.close()
    assert list(artifacts.cache_dir().glob("*.part-*")) != []
    mirror.gate.set()

    home = artifacts.fetch(bundle)

    assert (home / "first-1.0.jar").read_bytes() == JAR
    assert list(artifacts.cache_dir().glob("*.part-*")) == []


def test_two_processes_download_once(mirror: Mirror) -> None:
    """Two that start together both get the files, and each file is fetched by one of them."""
    _jars(mirror, "first")
    mirror.gate.clear()
    processes = [subprocess.Popen([sys.executable, "-c", _FETCH_SCRIPT], stderr=subprocess.PIPE) for _ in range(2)]
    for process in processes:  # one says that it is downloading, the other that it is waiting
        assert process.stderr is not None
        process.stderr.readline()
    mirror.gate.set()

    for process in processes:
        process.communicate(timeout=60)

    assert [process.returncode for process in processes] == [0, 0]
    assert mirror.asked.count("first-1.0.jar") == 1


def test_cache_that_cannot_be_written_is_refused(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache directory that cannot be made names the variable that chooses another."""
    monkeypatch.setenv("PENSTOCK_CACHE", f"{__file__}/inside-a-file")

    with pytest.raises(Refused, match="Set PENSTOCK_CACHE"):
        artifacts.fetch(_jars(mirror, "first"))


def test_cache_follows_the_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    """PENSTOCK_CACHE overrides XDG_CACHE_HOME, which overrides the home directory."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("PENSTOCK_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert artifacts.cache_dir() == Path("/xdg/penstock")

    monkeypatch.delenv("XDG_CACHE_HOME")
    assert artifacts.cache_dir() == Path.home() / ".cache" / "penstock"

    monkeypatch.setenv("PENSTOCK_CACHE", "/mine")
    assert artifacts.cache_dir() == Path("/mine")


def test_every_pinned_file_is_complete() -> None:
    """The table has a size and a whole SHA-256 for each file, and none twice."""
    pins = [*KAFKA.pins, *REGISTRY.pins]

    assert len(KAFKA.pins) == 46
    assert len({pin.file_name for pin in pins}) == len(pins)
    assert all(len(bytes.fromhex(pin.sha256)) == 32 and pin.size_bytes > 0 for pin in pins)


_FETCH_SCRIPT = """
from tests.unit.local.test_artifacts import pinned
from local import artifacts
from local.pins import Bundle
artifacts.fetch(Bundle("test", "test", "jars", (pinned("first"),)))
"""


def pinned(artifact: str) -> Pin:
    """Return the pin of a jar that a mirror serves."""
    return Pin("org.example", artifact, "1.0", len(JAR), hashlib.sha256(JAR).hexdigest())


def _jars(mirror: Mirror, *names: str) -> Bundle:
    pins = tuple(pinned(name) for name in names)
    mirror.files.update({pin.file_name: JAR for pin in pins})
    return Bundle("test", "test", "jars", pins)


def _archive(mirror: Mirror) -> Bundle:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, body in ARCHIVE_FILES.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    body = packed.getvalue()
    digest = hashlib.sha256(body).hexdigest()
    pin = Pin("org.example", "program", "1.0", len(body), digest, classifier="all", packaging="tar.gz")
    mirror.files[pin.file_name] = body
    return Bundle("test archive", "archive", "archive", (pin,))
