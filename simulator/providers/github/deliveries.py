"""The fake GitHub's deliveries: each event is posted to a hook once, logged for three days, and posted again on request.

Source: GitHub's REST API description 2022-11-28, "Handling failed webhook deliveries". Usable from any thread.
"""

import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from providers.base import Sample
from providers.github.provider import GitHub
from schemas.records import Document

KEPT: Final = timedelta(days=3)
PER_PAGE: Final = 30
MAX_PER_PAGE: Final = 100
FIRST_ID: Final = 9_007_199_254_740_993  # no double is as exact


class Post(Struct, frozen=True):
    """One attempt, as it is sent: the headers, the signature among them, and the exact body."""

    headers: Mapping[str, str]
    body: bytes


Send = Callable[[Post], int | None]
"""Posts an attempt, and returns the status of the answer, None if none came in time. Called from any thread."""


class Entry(Struct, frozen=True):
    """One attempt in the log, with what was sent."""

    delivery_id: int
    hook: str
    guid: str
    event: str
    payload: Document
    at: datetime
    is_redelivery: bool
    status_code: int
    headers: Mapping[str, str]

    def shown(self) -> Document:
        """Return the entry as the log lists it."""
        action = self.payload.get("action")
        return {
            "id": self.delivery_id,
            "guid": self.guid,
            "delivered_at": f"{self.at:%Y-%m-%dT%H:%M:%S}.{self.at.microsecond // 1000:03}Z",
            "redelivery": self.is_redelivery,
            "duration": 0.03,
            "status": _status(self.status_code),
            "status_code": self.status_code,
            "event": self.event,
            "action": action,
            "installation_id": None,
            "repository_id": 7,
            "throttled_at": None,
        }

    def detailed(self) -> Document:
        """Return the entry with what was sent: the payload as parsed JSON."""
        request = {"headers": dict(self.headers), "payload": self.payload}
        return self.shown() | {"url": "", "request": request, "response": {"headers": {}, "payload": ""}}


class Deliveries:
    """The hooks and their logs. A hook is named by its path, as in `/repos/octo/hello/hooks/1`."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._hooks: dict[str, tuple[Send, bytes]] = {}
        self._logs: defaultdict[str, list[Entry]] = defaultdict(list)  # oldest first
        self._ids = FIRST_ID

    def hook(self, path: str, send: Send, secret: bytes = b"made up") -> None:
        """Post what happens to a hook from now on by this function."""
        self._hooks[path] = (send, secret)

    def deliver(self, hook: str, event: str, payload: Document, guid: str = "") -> str:
        """Post an event to a hook, once, and return its GUID; another hook's delivery of the event has the same one."""
        guid = guid or str(uuid.UUID(int=self._next()))
        self._attempt(hook, guid, event, payload, is_redelivery=False)
        return guid

    def redeliver(self, entry: Entry) -> None:
        """Post an event again; the attempt has an id of its own."""
        self._attempt(entry.hook, entry.guid, entry.event, entry.payload, is_redelivery=True)

    def log(self, hook: str) -> list[Entry] | None:
        """Return what the log of a hook still has, the newest first; None for an unknown hook."""
        with self._lock:
            if hook not in self._hooks:
                return None
            return [entry for entry in reversed(self._logs[hook]) if entry.at >= self._now() - KEPT]

    def _attempt(self, hook: str, guid: str, event: str, payload: Document, *, is_redelivery: bool) -> None:
        send, secret = self._hooks[hook]
        body, number = msgspec.json.encode(payload), self._next()
        headers = GitHub().sign(Sample(body, event, guid, self._now()), secret)
        headers["x-github-hook-id"] = hook.rpartition("/")[2]
        status_code = send(Post(headers, body)) or 0
        entry = Entry(number, hook, guid, event, payload, self._now(), is_redelivery, status_code, _title_case(headers))
        with self._lock:
            self._logs[hook].append(entry)

    def _next(self) -> int:
        with self._lock:
            self._ids += 1
            return self._ids


def log_page(entries: list[Entry], url: str, query: Mapping[str, str]) -> tuple[list[Document], str]:
    """Return a page of a log and its `Link` header; a cursor is the entry with which the page begins."""
    size = min(int(query.get("per_page", PER_PAGE)), MAX_PER_PAGE)
    begin = int(query.get("cursor", "v1_0").removeprefix("v1_"))
    rest = [entry for entry in entries if begin == 0 or entry.delivery_id <= begin]
    shown = [entry.shown() for entry in rest[:size]]
    if len(rest) <= size:
        return shown, ""
    cursor = urlencode({"per_page": str(size), "cursor": f"v1_{rest[size].delivery_id}"})
    return shown, f'<{url}?{cursor}>; rel="next"'


def _status(status_code: int) -> str:
    if status_code == 0:
        return "timed out"
    return "OK" if 200 <= status_code < 300 else f"Invalid HTTP Response: {status_code}"


def _title_case(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers as GitHub's log names them: `X-GitHub-Event`."""
    return {name.title().replace("Github", "GitHub"): value for name, value in headers.items()}
