"""A quota of requests in fixed windows, kept per account and shared by all of its apps. Usable from any thread."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from msgspec import Struct

MAX_WINDOWS: Final = 100_000  # of one account that are remembered


class Taken(Struct, frozen=True):
    """What became of a request: whether the quota allowed it, what is left, and when the window ends."""

    is_allowed: bool
    limit: int
    left: int
    window_s: float
    resets_in_s: float


@dataclass(slots=True)
class Window:
    """One window of one account: requests of ours that were allowed and refused, and what other apps took."""

    number: int
    allowed: int = 0
    refused: int = 0
    eaten: int = 0

    @property
    def taken(self) -> int:
        """Return how much of the quota is used up."""
        return self.allowed + self.eaten


@dataclass(slots=True)
class _Account:
    limit: int
    others_per_s: float = 0.0
    windows: deque[Window] = field(default_factory=lambda: deque(maxlen=MAX_WINDOWS))
    eaten_at_once: int = 0


class WindowQuota:
    """So many requests in each window of so many seconds; windows begin at multiples of their length since 1970.

    A test that must not take minutes shortens the window, not the clock: the headers tell how long to wait in real time.
    """

    def __init__(self, now: Callable[[], datetime], limit: int = 150, window_s: float = 30.0) -> None:
        self.limit, self.window_s = limit, window_s
        self._now = now
        self._lock = threading.Lock()
        self._accounts: dict[str, _Account] = {}

    def take(self, tenant: str) -> Taken:
        """Count one request of ours."""
        with self._lock:
            account, now_s = self._account(tenant), self._now().timestamp()
            window = self._window(account, now_s)
            is_allowed = window.taken < account.limit
            if is_allowed:
                window.allowed += 1
            else:
                window.refused += 1
            left = max(account.limit - window.taken, 0)
            return Taken(is_allowed, account.limit, left, self.window_s, self.window_s - now_s % self.window_s)

    def set_limit(self, tenant: str, limit: int) -> None:
        """Give an account another quota from now on: its owner changed the plan."""
        with self._lock:
            self._account(tenant).limit = limit

    def eat(self, tenant: str, requests: int) -> None:
        """Let another app of the account make that many requests now."""
        with self._lock:
            account = self._account(tenant)
            self._window(account, self._now().timestamp()).eaten += requests
            account.eaten_at_once += requests

    def others(self, tenant: str, per_s: float) -> None:
        """Let the account's other apps make that many requests a second, from each window's beginning, until set again."""
        with self._lock:
            self._account(tenant).others_per_s = per_s

    def windows(self, tenant: str) -> list[Window]:
        """Return the account's windows in which a request came, oldest first."""
        with self._lock:
            return list(self._account(tenant).windows)

    def refused(self, tenant: str) -> int:
        """Return how many requests of ours came when the quota was used up."""
        return sum(window.refused for window in self.windows(tenant))

    def _account(self, tenant: str) -> _Account:
        return self._accounts.setdefault(tenant, _Account(self.limit))

    def _window(self, account: _Account, now_s: float) -> Window:
        number, passed_s = int(now_s // self.window_s), now_s % self.window_s
        if not account.windows or account.windows[-1].number != number:
            account.windows.append(Window(number))
            account.eaten_at_once = 0
        window = account.windows[-1]
        if account.others_per_s:
            window.eaten = max(window.eaten, account.eaten_at_once + int(account.others_per_s * passed_s))
        return window
