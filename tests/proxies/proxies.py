"""Real proxies in front of the ingress, in common configurations: their names, start commands, and logs.

Each admits `/v1/` without `/v1/hidden`, keeps connections to the ingress open, and appends the client's address to
X-Forwarded-For. Those called `lax` and `stock` pass Upgrade, trailers or odd headers on.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from local.guard import Child, spawn
from local.ports import free_port
from tests.support.waiting import until

START_TIMEOUT_S = 10.0
BUILD_TIMEOUT_S = 290.0
NO_CASE = ("", "-")
TIMED_OUT = 504
NO_ANSWER = 0
DEBIAN_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"  # Debian's directory of both, not on every user's path

NGINX = """\
daemon off;
master_process off;
error_log error.log;
pid nginx.pid;
events {{ worker_connections 256; }}
http {{
    log_format taken escape=json '{{"case":"$http_x_case","ingress":"$upstream_status"}}';
    access_log access.log taken;
    client_body_temp_path client; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    client_header_timeout 2s; client_body_timeout 2s; keepalive_timeout 2s; proxy_read_timeout 4s;
    upstream ingress {{ server 127.0.0.1:{ingress}; keepalive 4; }}
    {http}
    server {{
        listen 127.0.0.1:{port};
        location /v1/ {{
            proxy_pass http://ingress;
            proxy_http_version 1.1;
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            {location}
        }}
        location /v1/hidden {{ return 403; }}
        location / {{ return 404; }}
    }}
}}
"""
NGINX_STRICT = {"http": "", "location": 'proxy_set_header Connection "";'}
NGINX_LAX = {
    "http": """
    map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
    ignore_invalid_headers off; underscores_in_headers on; merge_slashes off; large_client_header_buffers 8 128k;
    """,
    "location": """
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_request_buffering off;
    """,
}
HAPROXY = """\
global
    log stdout format raw local0
    nbthread 1
    {limits}
defaults
    mode http
    log global
    log-format "%s %ST %Tr %ts %[capture.req.hdr(0)]"
    option forwardfor
    timeout connect 4s
    timeout client 2s
    timeout http-request 2s
    timeout http-keep-alive 2s
    timeout server 4s
frontend ingress
    bind 127.0.0.1:{port}
    {frontend}
    http-request capture req.hdr(x-case) len 64
    http-request deny unless {{ path_beg /v1/ }}
    http-request deny if {{ path_beg /v1/hidden }}
    default_backend ingress
backend ingress
    http-reuse always
    server ingress 127.0.0.1:{ingress}
"""
HAPROXY_STRICT = {
    "limits": "",
    "frontend": "http-request del-header upgrade\n    option http-restrict-req-hdr-names delete",
}
HAPROXY_LAX = {"limits": "tune.bufsize 262144", "frontend": "option accept-invalid-http-request"}


class Taken(Struct, frozen=True):
    """One request as a proxy took it.

    `ingress` has the returned status for each time that it was passed on; 0 for none, 504 where it did not come in time.
    """

    case: str
    ingress: tuple[int, ...]


class Proxy:
    """One running proxy. `port` is the port that it listens on."""

    def __init__(self, child: Child, port: int, log: Path, read_line: Callable[[str], Taken | None]) -> None:
        self.child = child
        self.port = port
        self._log = log
        self._read_line = read_line

    def log_bytes(self) -> int:
        """Return the log's length, for `taken`."""
        return self._log.stat().st_size if self._log.exists() else 0

    def taken(self, case: str | None, since_bytes: int) -> list[Taken]:
        """Return the requests logged after that length that name the case or no case at all; None: all."""
        with self._log.open("rb") as log:
            log.seek(since_bytes)
            lines = log.read().decode("utf-8", "replace").splitlines()
        found = [self._read_line(line) for line in lines]
        return [taken for taken in found if taken is not None and (case is None or taken.case in {case, *NO_CASE})]


class Missing(Exception):
    """A program that this machine needs; the text has the remedy."""


class LeftOut(Exception):
    """An optional proxy that this machine does not have."""


def nginx_line(line: str) -> Taken:
    """Return a line of nginx's access log; several tries are separated by commas, and by colons after a redirect."""
    logged = json.loads(line)
    tries = logged["ingress"].replace(" : ", ", ").split(", ")
    return Taken(logged["case"], tuple(map(_nginx_status, filter(None, tries))))


def _nginx_status(text: str) -> int:
    status = NO_ANSWER if text == "-" else int(text)
    return NO_ANSWER if status == 502 else status  # nginx's own: the ingress has none


def haproxy_line(line: str) -> Taken | None:
    """Return a line of HAProxy's log, None for a notice of its own."""
    fields = line.split(" ")
    if len(fields) != 5 or not fields[1].lstrip("-").isdigit():
        return None
    server, status, response_ms, ended, case = fields
    if server == "<NOSRV>":
        return Taken(case, ())
    if int(response_ms) >= 0:
        return Taken(case, (int(status),))
    return Taken(case, (TIMED_OUT if ended == "sH" else NO_ANSWER,))


def stock_line(line: str) -> Taken | None:
    """Return a line of the Go proxy's, None for one that net/http writes."""
    if not line.startswith("{"):
        return None
    logged = json.loads(line)
    return Taken(logged["case"], tuple(logged["ingress"]))


def program(name: str) -> str:
    """Return the path of a proxy's program; raise `Missing` where it is not installed."""
    found = shutil.which(name, path=DEBIAN_PATH)
    if found is None:
        raise Missing(
            f"{name} is not installed: run `make test-proxies` as root on Debian, or install the package {name}"
        )
    return found


def built(directory: Path) -> str:
    """Return the Go proxy's program, built into a directory unless it is there; raise `LeftOut` where there is no Go."""
    path, source = directory / "stock-proxy", Path(__file__).parent / "stock" / "main.go"
    if path.exists():
        return str(path)
    go = shutil.which("go")
    if go is None:
        raise LeftOut("Go's reverse proxy is left out: there is no `go` on this machine")
    done = subprocess.run(
        [go, "build", "-o", path, source], capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=False
    )
    assert done.returncode == 0, done.stderr
    return str(path)


@contextlib.contextmanager
def nginx(directory: Path, ingress: int, settings: dict[str, str]) -> Iterator[Proxy]:
    """Give an nginx."""
    port, log = free_port(), directory / "access.log"
    (directory / "nginx.conf").write_text(NGINX.format(port=port, ingress=ingress, **settings))
    command = [program("nginx"), "-p", f"{directory}/", "-e", "error.log", "-c", "nginx.conf"]
    with _running(command, directory, port) as child:
        yield Proxy(child, port, log, nginx_line)


@contextlib.contextmanager
def haproxy(directory: Path, ingress: int, settings: dict[str, str]) -> Iterator[Proxy]:
    """Give an HAProxy."""
    port, configuration = free_port(), directory / "haproxy.cfg"
    configuration.write_text(HAPROXY.format(port=port, ingress=ingress, **settings))
    with _running([program("haproxy"), "-db", "-f", str(configuration)], directory, port) as child:
        yield Proxy(child, port, directory / "output.log", haproxy_line)


@contextlib.contextmanager
def stock(directory: Path, ingress: int, *arguments: str) -> Iterator[Proxy]:
    """Give Go's reverse proxy."""
    port = free_port()
    command = [
        built(directory.parent),
        "-listen",
        f"127.0.0.1:{port}",
        "-ingress",
        f"http://127.0.0.1:{ingress}",
        *arguments,
    ]
    with _running(command, directory, port) as child:
        yield Proxy(child, port, directory / "output.log", stock_line)


Start = Callable[[Path, int], contextlib.AbstractContextManager[Proxy]]
"""Start a proxy, with a directory of its own, in front of an ingress on a port."""

PROXIES: dict[str, Start] = {
    "nginx": lambda directory, ingress: nginx(directory, ingress, NGINX_STRICT),
    "nginx-lax": lambda directory, ingress: nginx(directory, ingress, NGINX_LAX),
    "haproxy": lambda directory, ingress: haproxy(directory, ingress, HAPROXY_STRICT),
    "haproxy-lax": lambda directory, ingress: haproxy(directory, ingress, HAPROXY_LAX),
    "go": lambda directory, ingress: stock(directory, ingress, "-strict"),
    "go-stock": stock,
}


@contextlib.contextmanager
def _running(command: list[str], directory: Path, port: int) -> Iterator[Child]:
    output = directory / "output.log"
    output.touch()
    child = spawn(command, log=output, environment=os.environ)
    try:
        until(lambda: _listens(child, port, output), START_TIMEOUT_S, f"{command[0]} listens")
        yield child
    finally:
        child.stop(5)


def _listens(child: Child, port: int, output: Path) -> bool:
    assert child.exit_code() is None, output.read_text()
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0
