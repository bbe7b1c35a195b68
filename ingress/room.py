"""What is under way at once, requests and bytes of their bodies: both are bounded, so that memory is."""

from dataclasses import dataclass


@dataclass(slots=True)
class Room:
    """How much there is, and how much of it is taken. Counted on the event loop's one thread.

    A body counts from its first byte until its delivery is answered, as long as it is in memory.
    """

    max_requests: int
    max_bytes: int
    requests: int = 0
    body_bytes: int = 0
