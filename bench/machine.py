"""How much of the machine was available: the host may take a virtual machine's processors away at any time."""

import psutil

NOTEWORTHY = 0.05  # above it, rates and latencies show the host's other machines more than the measured program


class Neighbours:
    """Counts the CPU time that the host took away since creation. Systems that do not report it count as none."""

    def __init__(self) -> None:
        self._before = psutil.cpu_times()

    def share(self) -> float:
        """Return the share of all CPU time, idle time included, that this machine needed but the host gave to others."""
        now, before = psutil.cpu_times(), self._before
        total = sum(now) - sum(before)
        return (getattr(now, "steal", 0.0) - getattr(before, "steal", 0.0)) / total if total else 0.0
