"""Text that tries to control a terminal, and a check of printed output that is independent of how it is escaped."""

import re
import unicodedata

LINE = "forged: every delivery was accepted"
HOSTILE = f"\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\u2066\u200f\u061c\u2028\x7f\u200b\r\n{LINE}\n"
LEGIBLE = "Café 日本 שלום 👩‍💻"
"""What stays as it is: accents, wide and right-to-left letters, an emoji that is joined of two."""

DIRECTIONS = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
MARKS = frozenset("\u061c\u200e\u200f")
OURS = re.compile(r"\x1b\[(?:[0-9;]*m|2K|1A|\?25[lh])|\r(?=\x1b\[(?:2K|1A))")
"""What Rich writes for colours and progress bars where there is a terminal; HOSTILE has none of it."""

WITHOUT_KAFKA = frozenset(
    {"acls", "up", "ingress", "worker", "demo-store", "send", "check", "spool", "verify", "try-filter", "load", "query"}
    | {"warehouse status", "warehouse compact", "warehouse backup", "warehouse rebuild"}
    | {"subscribe plan", "subscribe apply", "subscribe repair"}
)
WITH_KAFKA = frozenset(
    {"tail", "explain", "replay", "check", "state get", "state list", "state count", "schema drift"}
    | {"dead list", "dead show", "dead retry", "dead edit", "dead drop"}
    | {"pending list", "pending now", "pending give-up"}
)
"""Every command is in one of both, and has cases in tests/unit/console/test_hostile.py or tests/kafka/test_hostile.py."""


def is_unsafe(character: str) -> bool:
    """Say whether a character controls a terminal, changes the order of text, breaks a line, or is half of one."""
    return (
        unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
        or unicodedata.bidirectional(character) in DIRECTIONS
        or character in MARKS
    )


def assert_harmless(printed: str) -> None:
    """Fail unless the output is text that a terminal shows unchanged, and no line of it was made by a payload."""
    found = {f"U+{ord(character):04X}" for character in printed if character != "\n" and is_unsafe(character)}
    assert not found, (sorted(found), printed)
    assert not [line for line in printed.split("\n") if line.startswith(LINE)], printed
