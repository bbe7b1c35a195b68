"""The usual changes to a body between the sender and a file, each undone: candidates for the signed bytes."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from urllib.parse import parse_qs, quote_plus

import msgspec

from console.signature.captured_request import BOM
from console.signature.secret_mistakes import Cause
from providers.base import SignedRequest

_INDENTS: Mapping[str, int] = {
    "compact JSON": -1,
    "JSON with spaces": 0,
    "JSON indented by 2": 2,
    "JSON indented by 4": 4,
}


@dataclass(frozen=True, slots=True)
class Body:
    """One body that may have been signed; `cause` is None for the bytes as they are."""

    value: bytes = field(repr=False)
    cause: Cause | None = None


def bodies(request: SignedRequest) -> Iterator[Body]:
    """Yield the body as it is, then with each usual change undone, the likeliest first, without repeating any bytes."""
    yield Body(request.body)
    seen = {_fingerprint(request.body)}
    for code, how, value in _unchanged(request):
        if _fingerprint(value) not in seen:
            seen.add(_fingerprint(value))
            yield Body(value, Cause(f"body_{code}", f"the signature fits the body {how}"))


def _fingerprint(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()


def _unchanged(request: SignedRequest) -> Iterator[tuple[str, str, bytes]]:
    yield from _newlines(request.body)
    yield from _json(request.body)
    yield from _characters(request)
    yield from _form(request.body)  # escaping 25 MB takes as long as everything before it


def _newlines(body: bytes) -> Iterator[tuple[str, str, bytes]]:
    added, removed = "your proxy, editor or tool added it", "your proxy, editor or tool took it away"
    changed = "your editor or tool changed the line ends"
    without_lf = body.removesuffix(b"\n")
    yield "final_newline_added", f"with its final newline removed: {added}", without_lf.removesuffix(b"\r")
    yield "final_newline_added", f"with its final LF removed: {added}", without_lf
    yield "final_newline_removed", f"with a newline at its end: {removed}", body + b"\n"
    yield "final_newline_removed", f"with CRLF at its end: {removed}", body + b"\r\n"
    unix = body.replace(b"\r\n", b"\n")
    windows = unix.replace(b"\n", b"\r\n")
    for ending, text in (("", ""), ("\n", ", a newline at its end"), (None, ", no newline at its end")):
        yield "line_ends_changed", f"with LF for CRLF{text}: {changed}", _end(unix, ending)
        yield "line_ends_changed", f"with CRLF for LF{text}: {changed}", _end(windows, ending)
    yield "bom_added", "without its byte order mark: your editor added it", body.removeprefix(BOM)
    yield "bom_removed", "with a byte order mark before it: your editor or framework took it away", BOM + body
    yield "white_space_added", "without white space round it: your editor or tool added it", body.strip()


def _end(body: bytes, ending: str | None) -> bytes:
    return body.rstrip(b"\r\n") if ending is None else body + ending.encode()


def _form(body: bytes) -> Iterator[tuple[str, str, bytes]]:
    escaped = quote_plus(body)
    for field_text in (escaped, escaped.replace("~", "%7E").replace("%2A", "*")):  # as Python; as browsers, Ruby, Java
        yield (
            "form_decoded",
            "as a form's field payload: it was sent form-encoded, and decoded before it came here",
            b"payload=" + field_text.encode(),
        )
    try:
        payload = parse_qs(body.decode(), max_num_fields=16).get("payload", [])
    except ValueError:
        return
    for field_text in payload:
        yield (
            "form_encoded",
            "of the JSON in the form's field payload: it was sent as JSON, and form-encoded before it came here",
            field_text.encode(),
        )


def _json(body: bytes) -> Iterator[tuple[str, str, bytes]]:
    why = "something parsed it and wrote it anew; keep the raw bytes"
    for layout, text, value in _rewritten(body.removeprefix(BOM)):
        for ending, end_text in ((b"", ""), (b"\n", ", with a newline at its end")):
            yield "json_rewritten", f"written as {layout}{text}{end_text}: {why}", value + ending


def _rewritten(body: bytes) -> Iterator[tuple[str, str, bytes]]:
    """Yield a JSON text in every usual layout, first with its numbers, escapes and order unchanged."""
    try:
        for layout, indent in _INDENTS.items():
            yield layout, "", msgspec.json.format(body, indent=indent)
        value = json.loads(body)
    except (ValueError, RecursionError):  # not JSON, or nested too deeply for this process
        return
    for is_ascii, is_sorted in product((False, True), (False, True)):
        text = f"{', keys sorted' if is_sorted else ''}{', non-ASCII escaped' if is_ascii else ', nothing escaped'}"
        written = json.dumps(value, ensure_ascii=is_ascii, sort_keys=is_sorted, separators=(",", ":"))
        for layout, indent in _INDENTS.items():
            yield layout, text, msgspec.json.format(_utf8(written), indent=indent)
        yield "compact JSON", f"{text}, slashes escaped", _utf8(written.replace("/", "\\/"))
        yield "compact JSON", f"{text}, <, > and & escaped", _utf8(_html_safe(written))


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # JSON may escape half a surrogate pair


def _html_safe(text: str) -> str:
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _characters(request: SignedRequest) -> Iterator[tuple[str, str, bytes]]:
    body = request.body
    said = request.headers.get("content-length", "")
    if said.isascii() and said.isdigit() and int(said) < len(body):
        yield (
            "appended_to",
            f"cut to its Content-Length of {int(said)} bytes: something was appended",
            body[: int(said)],
        )
    for code, source, target in (("latin1", "utf-8", "latin-1"), ("utf8", "latin-1", "utf-8")):
        try:
            yield (
                f"recoded_from_{code}",
                f"read as {source} and written as {target}",
                body.decode(source).encode(target),
            )
        except UnicodeError:
            continue
    yield "not_signed", "left empty: the sender signed no body, or its framework had used it up", b""
