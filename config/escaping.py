r"""Text of unknown origin, made safe for a terminal: characters that control it are shown as escapes such as `\x1b`.

Terminals obey C0, DEL and C1 (ECMA-48; U+009B begins a command as ESC [ does). Bidirectional controls change the order in
which text is shown (UAX 9, CVE-2021-42574), line separators begin a line, and zero-width characters hide that two names differ.
Accents, right-to-left letters and emoji stay as they are, and so do the joiners U+200C and U+200D that some of them contain.
"""

import json
import re
from typing import Any

_C0 = "\x00-\x1f"
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_SEPARATORS = "\u2028\u2029"
_INVISIBLE = "\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb"
_SURROGATES = "\ud800-\udfff"  # half of a character: cannot be encoded

_REST = f"\x7f-\x9f{_BIDI}{_SEPARATORS}{_INVISIBLE}{_SURROGATES}"
_IN_A_LINE = re.compile(f"[{_C0}{_REST}]")
_IN_LINES = re.compile(f"[\x00-\x09\x0b-\x1f{_REST}]")
_IN_JSON = re.compile(f"[{_REST}]")
_AT_THE_MARGIN = re.compile(r"\n(?=[^ \n])")
_JSON_SPACE = str.maketrans("\t\r", "  ")


def harmless(text: str) -> str:
    r"""Return one line: every unsafe character as `\x1b` or `\u202e`, line breaks included."""
    return _IN_A_LINE.sub(_escape, text)


def harmless_lines(text: str) -> str:
    """Return one line or more: as `harmless`, but line feeds stay, and a tab becomes four spaces."""
    return _IN_LINES.sub(_escape, text.replace("\t", "    "))


def indented(text: str) -> str:
    """Return the text with all lines but the first indented, so that a line break in a quoted name cannot forge a message."""
    return _AT_THE_MARGIN.sub("\n  ", text)


def harmless_json(text: str) -> str:
    r"""Return a JSON text of the same value with every unsafe character as `\u202e`. Line feeds between values stay.

    JSON strings contain no raw control characters (RFC 8259), so all C0 characters in it are white space.
    """
    return _IN_JSON.sub(_escape_json, text.translate(_JSON_SPACE))


def json_line(record: object, **options: Any) -> str:
    """Return a record as one line of JSON that a terminal may show; `options` are those of `json.dumps`."""
    return harmless_json(json.dumps(record, **options))


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"


def _escape_json(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
