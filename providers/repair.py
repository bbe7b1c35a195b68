r"""Repairs bodies that are JSON for their sender but not for the strict decoder, where no doubt remains about the document.

Repaired are: a byte-order mark, UTF-16 and UTF-32, a declared charset, NULs and white space at the end, and lone surrogates
(half of a character, `\ud83d` without `\ude00`), which become U+FFFD. Everything else stays malformed, `NaN` included.
Source: RFC 8259, sections 8.1 and 8.2; RFC 4627, section 3, for UTF-16 and UTF-32 without a mark.

The cost is bounded: at most three readings of a body, six if it has lone surrogates, each linear in its size. Charsets come
from a list, because among Python's codecs are some that take quadratic time (`punycode`) or that are no charsets.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from msgspec import Struct

UTF8 = "utf-8"
MAX_LABEL_CHARS = 40
MAX_TYPE_CHARS = 256  # of a content type that is looked at
_MARKS: Final = (  # UTF-32 first: its mark begins with that of UTF-16
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"\xef\xbb\xbf", UTF8),
)
# Where the NULs of an ASCII character are. A JSON text begins with one, white space included.
_UNMARKED: Final = (
    (re.compile(rb"[\t\n\r -~]\x00\x00\x00"), "utf-32-le"),
    (re.compile(rb"\x00\x00\x00[\t\n\r -~]"), "utf-32-be"),
    (re.compile(rb"[\t\n\r -~]\x00"), "utf-16-le"),
    (re.compile(rb"\x00[\t\n\r -~]"), "utf-16-be"),
)
_CODECS: Final[Mapping[str, str]] = {
    "utf16": "utf-16", "utf16le": "utf-16-le", "utf16be": "utf-16-be", "ucs2": "utf-16", "unicode": "utf-16",
    "utf32": "utf-32", "utf32le": "utf-32-le", "utf32be": "utf-32-be", "ucs4": "utf-32",
    "latin1": "iso8859-1", "l1": "iso8859-1", "latin2": "iso8859-2", "latin9": "iso8859-15", "latin0": "iso8859-15",
    **{f"iso8859{part}": f"iso8859-{part}" for part in (*range(1, 12), *range(13, 17))},
    **{f"{family}{page}": f"cp{page}" for page in range(1250, 1259) for family in ("windows", "cp", "xcp")},
    "windows874": "cp874", "cp874": "cp874", "tis620": "tis-620",
    "windows31j": "cp932", "cp932": "cp932", "ms932": "cp932", "shiftjis": "shift_jis", "sjis": "shift_jis",
    "xsjis": "shift_jis", "eucjp": "euc_jp", "euckr": "euc_kr", "cp949": "cp949", "windows949": "cp949",
    "gb2312": "gb2312", "gbk": "gbk", "cp936": "gbk", "gb18030": "gb18030", "big5": "big5", "big5hkscs": "big5hkscs",
    "koi8r": "koi8-r", "koi8u": "koi8-u", "macintosh": "mac-roman", "macroman": "mac-roman",
    "ibm437": "cp437", "cp437": "cp437", "ibm850": "cp850", "cp850": "cp850", "ibm866": "cp866", "cp866": "cp866",
}  # fmt: skip
"""Python's codecs by the label's letters and digits. All but UTF-16 and UTF-32 write ASCII as ASCII."""
_OF_UTF8: Final = frozenset({"utf8", "ascii", "usascii", "ansix341968", "unicode11utf8", "utf8mb4", "utf8sig"})
_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([^\s;,\"']+)", re.IGNORECASE)
_PUNCTUATION = re.compile(r"[^0-9a-z]+")

_LEADING = "\ufeff"
_TRAILING = "\x00 \t\r\n\v\f"
_JSON_SPACE = " \t\r\n"
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_LONE_HIGH = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])")
_LONE_LOW = re.compile(r"(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}")


class Repaired(Struct, frozen=True):
    """A body as strict UTF-8, and what was done to it, for people."""

    body: bytes
    repairs: tuple[str, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """Return the repairs as one note for the outcome's detail; none if there were none."""
        return (f"repaired: {', '.join(self.repairs)}",) if self.repairs else ()


@lru_cache(maxsize=64)
def declared_charset(content_type: str) -> str | None:
    """Return the label of the charset that a content type names; None if there is none, or it is UTF-8 or a part of it."""
    found = _CHARSET.search(content_type[:MAX_TYPE_CHARS])
    return None if found is None or _plain(found[1]) in _OF_UTF8 else found[1][:MAX_LABEL_CHARS]


def is_known(charset: str) -> bool:
    """Return whether bodies in a declared charset can be read."""
    return _plain(charset) in _CODECS


def candidates(body: bytes, charset: str | None) -> Iterator[Repaired]:
    """Yield the texts that a body may stand for, the most probable first: one of them may be JSON.

    A mark overrides the declared charset, as on the web (WHATWG Encoding). Bytes that the declared charset does not explain are
    tried as UTF-8, because senders that copy a header send that.
    """
    for codec, repair in _codecs(body, charset):
        repaired = _repaired(body, codec, repair)
        if repaired is not None:
            yield repaired


def _codecs(body: bytes, charset: str | None) -> Iterator[tuple[str, str]]:
    marked = next((codec for mark, codec in _MARKS if body.startswith(mark)), None)
    if marked is not None:
        yield marked, "" if marked == UTF8 else f"read as {marked}"
        return
    declared = None if charset is None else _CODECS.get(_plain(charset))
    unmarked = next((codec for pattern, codec in _UNMARKED if pattern.match(body)), None)
    if declared in ("utf-16", "utf-32"):  # whose order of bytes is not declared
        declared = unmarked if unmarked is not None and unmarked.startswith(declared) else None
    if declared is not None and not (body.isascii() and unmarked is None):
        yield declared, f"read as {charset}"
    if charset is None or is_known(charset) or body.isascii():
        yield UTF8, ""
    if unmarked is not None and unmarked != declared:
        yield unmarked, f"read as {unmarked}"


def _repaired(body: bytes, codec: str, repair: str) -> Repaired | None:
    """Return a body read with a codec and repaired; None if its bytes are not of that charset."""
    is_unicode = codec.startswith("utf")
    try:
        text = _whole_units(body, codec).decode(codec, "surrogatepass" if is_unicode else "strict")
    except UnicodeDecodeError:
        return None
    repairs = [repair] if repair else []
    marked, text = text, text.lstrip(_LEADING)
    if codec == UTF8 and len(text) < len(marked):
        repairs.append("byte-order mark skipped")
    shorn = text.rstrip(_TRAILING)
    tail = text[len(shorn) :]
    if tail.strip(_JSON_SPACE):
        repairs.append("trailing NULs dropped" if "\x00" in tail else "trailing white space dropped")
    whole = _with_whole_characters(shorn)
    if whole is not shorn:
        if _merges_names(shorn):
            return None
        repairs.append("lone surrogates replaced by U+FFFD")
    return Repaired(whole.encode(), tuple(repairs))


def _whole_units(body: bytes, codec: str) -> bytes:
    """Return a body without NULs after its last whole unit: what a C program appends is one byte, not one character."""
    excess = len(body) % {"utf-16": 2, "utf-32": 4}.get(codec[:6], 1)
    return body[:-excess] if excess and not any(body[-excess:]) else body


def _with_whole_characters(text: str) -> str:
    """Return a JSON text with U+FFFD for every lone surrogate, written as itself or as an escape; else the same object."""
    if not _is_encodable(text):
        text = _without_halves(text)
    if not _SURROGATE_ESCAPE.search(text):
        return text
    # With escaped backslashes out of the way, every backslash begins an escape, and no replacement needs a function. NUL stands
    # for them, because a text that contains one is no JSON. (24 MB of backslashes: 2.5 s; with `\u005c` instead of NUL 7 s.)
    if "\x00" in text:
        return text
    plain = text.replace(r"\\", "\x00")
    plain, highs = _LONE_HIGH.subn(r"\\ufffd", plain)
    plain, lows = _LONE_LOW.subn(r"\\ufffd", plain)
    return plain.replace("\x00", r"\\") if highs or lows else text


def _without_halves(text: str) -> str:
    """Return a text in which pairs, written as two characters by senders that count in UTF-16, are one, and halves U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _merges_names(text: str) -> bool:
    """Return whether names of one object, different in a JSON text, are the same once it has no lone surrogates."""
    merges = False

    def compare(fields: list[tuple[str, object]]) -> None:
        nonlocal merges
        names = {name for name, _ in fields}
        merges = merges or len(set(map(_without_halves, names))) < len(names)

    try:
        json.loads(text, object_pairs_hook=compare, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return False  # the strict decoder will say what is wrong
    return merges


def _is_encodable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _plain(label: str) -> str:
    return _PUNCTUATION.sub("", label[: 2 * MAX_LABEL_CHARS].lower())
