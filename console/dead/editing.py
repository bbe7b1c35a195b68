"""Changes the body of a letter: single values of its JSON, or the whole of it in a person's editor."""

import os
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from console.errors import Misused
from console.screen import in_terminal
from schemas.codec import json_value

EDITORS: Final = ("VISUAL", "EDITOR")
_encode = msgspec.json.Encoder(decimal_format="number").encode  # members keep their order


def with_values(body: bytes, assignments: Sequence[str]) -> bytes:
    """Return a JSON body with `/pointer=value` applied in turn: RFC 6901, a value in JSON or else a text.

    The parent of what is set must exist; a member that does not is added, and `-` appends to a list. Raises `Misused`.
    """
    whole = _json(body)
    for assignment in assignments:
        pointer, has_value, text = assignment.partition("=")
        if not has_value or not pointer.startswith("/"):
            raise Misused(f"--set: expected /pointer=value such as /order/id=7, got {assignment!r}")
        *path, last = [name.replace("~1", "/").replace("~0", "~") for name in pointer[1:].split("/")]
        _set(_parent(whole, path, pointer), last, _value(text), pointer)
    return _encode(whole)


def from_editor(body: bytes, environ: Mapping[str, str]) -> bytes | None:
    """Return what a person makes of a body in `$VISUAL` or `$EDITOR`, else `vi`; None if nothing was changed.

    JSON is shown indented, and stored without the spaces again. Raises `Misused` where the editor does not end well.
    """
    shown, is_json = _shown(body)
    command = shlex.split(next((environ[name] for name in EDITORS if environ.get(name)), "vi"))
    with tempfile.TemporaryDirectory(prefix="penstock-dead-") as folder:  # only this user can open it
        file = Path(folder, "body.json" if is_json else "body")
        file.write_bytes(shown)
        try:
            code = in_terminal([*command, os.fspath(file)])
        except OSError as error:
            raise Misused(
                f"cannot start the editor {command[0]!r}: {error.strerror}; set $EDITOR, or use --body or --set"
            ) from error
        if code:
            raise Misused(f"the editor {command[0]!r} ended with {code}; nothing was published")
        changed = file.read_bytes()
    if changed == shown:
        return None
    return _encode(_json(changed)) if is_json else changed


def _shown(body: bytes) -> tuple[bytes, bool]:
    try:
        return msgspec.json.format(_encode(json_value(body)), indent=2) + b"\n", True
    except (msgspec.DecodeError, RecursionError):
        return body, False


def _json(body: bytes) -> Any:
    try:
        return json_value(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Misused(f"expected a body of JSON: {error}; give the whole body with --body FILE") from error


def _value(text: str) -> Any:
    try:
        return json_value(text.encode())
    except (msgspec.DecodeError, RecursionError):
        return text


def _parent(whole: Any, path: Sequence[str], pointer: str) -> Any:
    for name in path:
        if isinstance(whole, dict) and name in whole:
            whole = whole[name]
        elif isinstance(whole, list) and _is_index(name, len(whole)):
            whole = whole[int(name)]
        else:
            raise Misused(f"--set: {pointer} is in nothing that the body has; it has no {name!r}")
    return whole


def _set(parent: Any, name: str, value: Any, pointer: str) -> None:
    if isinstance(parent, dict):
        parent[name] = value
    elif isinstance(parent, list) and name == "-":
        parent.append(value)
    elif isinstance(parent, list) and _is_index(name, len(parent)):
        parent[int(name)] = value
    else:
        raise Misused(f"--set: {pointer} is no member and no element of what the body has there")


def _is_index(name: str, length: int) -> bool:
    return name.isascii() and name.isdecimal() and len(name) < 10 and int(name) < length
