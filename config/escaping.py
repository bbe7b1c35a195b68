r"""Text of unknown origin, made safe for a terminal: characters that control it are shown as escapes such as `\x1b`.

Terminals obey C0, DEL and C1 (ECMA-48; U+009B begins a command as ESC [ does). Bidirectional controls show text in another
order than it has (UAX 9, CVE-2021-42574), line separators begin a line, and what has no width hides that two names differ.
Accents, right-to-left letters and emoji stay as they are, and with them the joiners U+200C and U+200D that some are made of.
"""

import json
import re
from typing import Any

_C0 = "\x00-\x1f"
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_SEPARATORS = "\u2028\u2029"
_INVISIBLE = "\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb"
_SURROGATES = "\ud800-\udfff"  # half of a character: no encoder takes it

_REST = f"\x7f-\x9f{_BIDI}{_SEPARATORS}{_INVISIBLE}{_SURROGATES}"
_IN_A_LINE = re.compile(f"[{_C0}{_REST}]")
_IN_LINES = re.compile(f"[\x00-\x09\x0b-\x1f{_REST}]")
_IN_JSON = re.compile(f"[{_REST}]")
_AT_THE_MARGIN = re.compile(r"\n(?=[^ \n])")
_JSON_SPACE = str.maketrans("\t\r", "  ")


def harmless(text: str) -> str:
    r"""Return one line: every unsafe character as `\x1b` or `\u202e`, a line break too."""
    return _IN_A_LINE.sub(_escape, text)


def harmless_lines(text: str) -> str:
    """Return one line or several: as `harmless`, but line feeds stay, and a tab is four spaces."""
    return _IN_LINES.sub(_escape, text.replace("\t", "    "))


def indented(text: str) -> str:
    """Return a text of which only the first line begins at the margin: a line break in a quoted name forges no message."""
    return _AT_THE_MARGIN.sub("\n  ", text)


def harmless_json(text: str) -> str:
    r"""Return a JSON text of the same value: every unsafe character as `\u202e`. Line feeds between its values stay.

    JSON has no raw control character inside a string (RFC 8259), so the only C0 in it are white space.
    """
    return _IN_JSON.sub(_escape_json, text.translate(_JSON_SPACE))


def json_line(record: object, **options: Any) -> str:
    """Return a record as one line of JSON, for a log that a terminal may show; `options` are those of `json.dumps`."""
    return harmless_json(json.dumps(record, **options))


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"


def _escape_json(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
