"""Print the duration of each step."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

Step = Callable[[str], AbstractContextManager[None]]


@contextlib.contextmanager
def quiet(_name: str) -> Iterator[None]:
    """Print nothing."""
    yield


class Steps:
    """Steps that are printed as they begin, and with their times when they end."""

    def __init__(self) -> None:
        self.times_s: dict[str, float] = {}

    @contextlib.contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Measure the block's duration."""
        started = time.monotonic()
        _say(f"{name} …")
        yield
        self.times_s[name] = time.monotonic() - started
        _say(f"{name}: {self.times_s[name]:.1f} s")

    def table(self) -> str:
        """Return the ended steps, one a line."""
        return "\n".join(f"  {seconds:7.1f} s  {name}" for name, seconds in self.times_s.items())


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
