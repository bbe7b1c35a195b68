"""What is under way at once, requests and bytes: both are bounded, so that memory is."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Room:
    """How much there is, and how much of it is taken. Counted on the event loop's one thread.

    A byte counts from its arrival until its request is answered, be it of the head, of the body, or not parsed yet.
    At `max_bytes` a request is refused with 503 and its connection kept; at `most_bytes` connections are ended, because
    before any request learns of it, many sockets can be read in one turn of the event loop.
    """

    max_requests: int
    max_bytes: int
    requests: int = 0
    body_bytes: int = 0
    most_bytes: int = field(init=False)

    def __post_init__(self) -> None:
        self.most_bytes = self.max_bytes + self.max_bytes // 4
