"""How much of the machine was really there: a virtual one's processors may be taken away by its neighbours at any time."""

import psutil

NOTEWORTHY = 0.05  # above it, rates and latencies say more about the neighbours than about what was measured


class Neighbours:
    """Counts what the host took away since it was made. Systems that do not tell count nothing."""

    def __init__(self) -> None:
        self._before = psutil.cpu_times()

    def share(self) -> float:
        """Return the part of all processor time, idle time included, that was wanted here and given to others."""
        now, before = psutil.cpu_times(), self._before
        total = sum(now) - sum(before)
        return (getattr(now, "steal", 0.0) - getattr(before, "steal", 0.0)) / total if total else 0.0
