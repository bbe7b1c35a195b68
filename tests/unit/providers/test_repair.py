"""Reading JSON that is not strict UTF-8: the same document, what was repaired, and no exception."""

import json
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from providers.base import Unparsed
from providers.outline import outline_decoder, read_outline
from providers.reading import read_json, read_noted, read_object
from providers.repair import candidates, declared_charset

BOM = b"\xef\xbb\xbf"
LONE = "repaired: lone surrogates replaced by U+FFFD"
CHARSETS = (
    "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "us-ascii", "iso-8859-1",
    "ISO-8859-15", "latin1", "windows-1252", "Windows-1251", "cp1250", "koi8-r", "shift_jis", "euc-jp", "euc-kr", "gbk",
    "gb18030", "big5",
)  # fmt: skip


@pytest.mark.parametrize(("body", "document", "note"), [
    (BOM + b'{"id":1}', {"id": 1}, "repaired: byte-order mark skipped"),
    (BOM + BOM + b' {"id":1}', {"id": 1}, "repaired: byte-order mark skipped"),
    (b'{"id":1}\x00', {"id": 1}, "repaired: trailing NULs dropped"),
    (b'{"id":1}\r\n\x00 \x00\n', {"id": 1}, "repaired: trailing NULs dropped"),
    (b'{"id":1}\v\f', {"id": 1}, "repaired: trailing white space dropped"),
    (BOM + b'{"id":1}\x00', {"id": 1}, "repaired: byte-order mark skipped, trailing NULs dropped"),
    (b'{"note":"Hi \\ud83d"}', {"note": "Hi \ufffd"}, LONE),
    (b'{"note":"\\uDE00\\uD83D!"}', {"note": "\ufffd\ufffd!"}, LONE),
    (b'{"note":"\\ud83d\\ud83d\\ude00\\ude00"}', {"note": "\ufffd\U0001f600\ufffd"}, LONE),
    (b'{"note":"\\\\ud83d \\\\\\ud83d"}', {"note": "\\ud83d \\\ufffd"}, LONE),
    (b'{"note":"\\\\ud83d\\ude00"}', {"note": "\\ud83d\ufffd"}, LONE),
    (b'{"\\ud83d":1}', {"\ufffd": 1}, LONE),
    (b'{"note":"\xed\xa0\xbd"}', {"note": "\ufffd"}, LONE),
    (b'{"note":"\xed\xa0\xbd\xed\xb8\x80"}', {"note": "\U0001f600"}, LONE),  # a pair as two characters (CESU-8)
    ('{"note":"é"}'.encode("utf-16"), {"note": "é"}, "repaired: read as utf-16-le"),
    (b"\xfe\xff" + '{"note":"é"}'.encode("utf-16-be"), {"note": "é"}, "repaired: read as utf-16-be"),
    ('{"note":"é"}'.encode("utf-32"), {"note": "é"}, "repaired: read as utf-32-le"),
    ('{"note":"é"}'.encode("utf-16-be"), {"note": "é"}, "repaired: read as utf-16-be"),
    ('{"note":"\ud83d"}'.encode("utf-16", "surrogatepass"), {"note": "\ufffd"}, f"repaired: read as utf-16-le, {LONE[10:]}"),
])  # fmt: skip
def test_body_is_read_and_the_repair_is_named(body: bytes, document: Any, note: str) -> None:
    """What no reader of the grammar could understand in another way is a document."""
    assert read_noted(body, "application/json") == (document, (note,))


@pytest.mark.parametrize(("body", "is_read"), [
    (b'{"\\ud83d":1,"\\ud83e":2}', False),
    (b'{"\\ud83d":1,"\\ufffd":2}', False),
    (b'[{"a":{"x\\ude00":1,"x\xed\xa0\xbd":2}}]', False),
    (b'{"\\ud83d":1,"\\ud83d":2}', True),  # one name twice: the last counts, as ever
    (b'{"\\ud83d":1,"\\ud83d\\ude00":2,"x":{"\\ud83e":3}}', True),
    (b'{"n":' + b"9" * 400 + b',"\\ud83d":1}', True),
])  # fmt: skip
def test_repair_makes_no_two_names_one(body: bytes, is_read: bool) -> None:
    """Two fields whose names differ only in lone surrogates would become one, and a value would be lost."""
    assert isinstance(read_json(body), Unparsed) is not is_read


@pytest.mark.parametrize(("content_type", "body", "document"), [
    ("application/json; charset=iso-8859-1", b'{"note":"\xe9"}', {"note": "é"}),
    ("application/json; charset=iso-8859-1", b'{"note":"\xc3\xa9"}', {"note": "Ã©"}),  # also valid UTF-8
    ('application/json;charset="Windows-1252"', b'{"note":"\x80"}', {"note": "€"}),
    ("application/json ; Charset = latin1 ; x=y", b'{"note":"\xe9"}', {"note": "é"}),
    ("application/json; charset=utf-16", '{"note":"é"}'.encode("utf-16-be"), {"note": "é"}),
    ("application/json; charset=utf-16", '{"note":"é"}'.encode("utf-16-le"), {"note": "é"}),
    ("application/json; charset=koi8-r", '{"note":"ё"}'.encode("koi8-r"), {"note": "ё"}),
])  # fmt: skip
def test_declared_charset_is_used(content_type: str, body: bytes, document: Any) -> None:
    """RFC 8259 wants UTF-8, but who declares another charset has said what the bytes mean."""
    found, notes = read_noted(body, content_type)

    assert found == document
    assert notes == (f"repaired: read as {declared_charset(content_type)}",)


@pytest.mark.parametrize("content_type", [
    "application/json; charset=utf-8", "application/json;charset=UTF8", 'application/json; charset="utf-8"',
    "application/json; charset=us-ascii", "application/json", "", "text/plain; boundary=x",
])  # fmt: skip
def test_utf8_by_any_name_needs_no_repair(content_type: str) -> None:
    """Senders declare it in many ways, and what they send is strict."""
    assert read_noted('{"note":"é"}'.encode(), content_type) == ({"note": "é"}, ())


@pytest.mark.parametrize(("content_type", "body"), [
    ("application/json; charset=utf-16", '{"note":"é"}'.encode()),
    ("application/json; charset=us-ascii", '{"note":"é"}'.encode()),
    ("application/json; charset=iso-8859-1", BOM + '{"note":"é"}'.encode()),
    ("application/json; charset=utf-8", '{"note":"é"}'.encode("utf-16")),
])  # fmt: skip
def test_charset_that_the_bytes_contradict_is_not_believed(content_type: str, body: bytes) -> None:
    """A mark counts more than the header, and bytes that cannot be of the declared charset are tried as UTF-8."""
    assert read_object(body, content_type) == {"note": "é"}


@pytest.mark.parametrize("charset", ["klingon", "punycode", "idna", "zlib", "unicode_escape", "undefined", "utf-7"])
def test_unknown_charset_is_told(charset: str) -> None:
    """What the bytes mean is anybody's guess; a text that is ASCII alone is the same in nearly all charsets."""
    content_type = f"application/json; charset={charset}"

    found = read_object(b'{"note":"\xc3\xa9"}', content_type)

    assert isinstance(found, Unparsed)
    assert found.reason == "unreadable"
    assert found.detail == f"expected a JSON object: expected a charset that is known, such as utf-8, got {charset!r}"
    assert read_object(b'{"note":"e"}', content_type) == {"note": "e"}


@pytest.mark.parametrize(("body", "detail"), [
    (b'{"id":1,"w":NaN}', "NaN at byte 12 is no number of JSON"),
    (b'{"w":-Infinity}', "-Infinity at byte 5 is no number of JSON"),
    (b'{"w":[1, Infinity]}', "Infinity at byte 9 is no number of JSON"),
    (BOM + b'{"w":NaN}', "NaN at byte 5 is no number of JSON"),
    (b'{"secret":"hush","w":oops}', "JSON is malformed: invalid character (byte 21)"),
    (b'{"note":"\xff"}', "'utf-8' codec can't decode byte 0xff"),
    (b"\x00\x00", "got an empty body"),
    (BOM, "got an empty body"),
    (b"'{}'", "JSON is malformed"),
    (b'{"id":1,}', "JSON is malformed"),
    (b'{"note":"a\nb"}', "JSON is malformed"),
])  # fmt: skip
def test_what_the_grammar_does_not_allow_stays_dead(body: bytes, detail: str) -> None:
    """The detail says what is wrong, and where, but not what the body says."""
    found = read_object(body, "application/json")

    assert isinstance(found, Unparsed)
    assert found.reason == "unreadable"
    assert detail in found.detail
    assert "hush" not in found.detail


def test_of_duplicate_keys_the_last_is_used_after_a_repair_too() -> None:
    """As in a body that needs none."""
    assert read_object(BOM + b'{"id":1,"id":2}') == {"id": 2}


# --- Properties ------------------------------------------------------------------------------------------------------

_tricky = st.sampled_from([*'\\u"d8e/{}[], \x00é€я語', "\U0001f600", "\ufeff", "\ufffd", "\\ud83d", "\\\\"])
_texts = st.lists(_tricky | st.characters(exclude_categories=["Cs"]), max_size=8).map("".join)
_halves = st.sampled_from(["\ud83d", "\ude00", "\ud800", "\udfff"])
_broken_texts = st.lists(_tricky | _halves, max_size=8).map("".join)


def _documents(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | texts
    inner = st.recursive(scalars, lambda below: st.lists(below, max_size=3) | st.dictionaries(texts, below, max_size=3))
    return st.dictionaries(texts, inner, max_size=4)


def _encoded(document: Any, charset: str) -> bytes:
    """Return a document in a charset; characters that it lacks are written as escapes."""
    text = json.dumps(document, ensure_ascii=False)
    return "".join(_written(character, charset) for character in text).encode(charset)


def _written(character: str, charset: str) -> str:
    try:
        is_kept = character.encode(charset).decode(charset) == character
    except UnicodeError:
        is_kept = False
    return character if is_kept else json.dumps(character)[1:-1]


def _whole(value: Any) -> Any:
    """Return a value with U+FFFD for every lone surrogate."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_whole(element) for element in value]
    return {_whole(name): _whole(inner) for name, inner in value.items()} if isinstance(value, dict) else value


def _fields(value: Any) -> int:
    """Return how many fields all objects in a value have."""
    if isinstance(value, dict):
        return len(value) + sum(map(_fields, value.values()))
    return sum(map(_fields, value)) if isinstance(value, list) else 0


@given(document=_documents(_texts), charset=st.sampled_from(CHARSETS), nuls=st.integers(0, 9))
def test_any_document_in_any_declared_charset_is_the_same(document: Any, charset: str, nuls: int) -> None:
    """Whatever is in it, and whatever a C program left behind it."""
    body = _encoded(document, charset) + b"\x00" * nuls

    assert read_json(body, f"application/json; charset={charset}") == document


@given(document=_documents(_texts), mark=st.sampled_from(["utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-32-be"]))
def test_any_document_with_a_mark_is_the_same(document: Any, mark: str) -> None:
    """The mark tells the charset, whatever the content type says."""
    body = _encoded(document, mark)

    assert read_json(body) == document
    assert read_json(body, "application/json; charset=utf-8") == document


@given(document=_documents(_broken_texts), is_ascii=st.booleans())
@example(document=dict.fromkeys(("\ud83d\ud83d", "\ud83d\ude00")), is_ascii=False)  # two halves, and a pair
def test_any_document_with_lone_surrogates_has_replacements(document: Any, is_ascii: bool) -> None:
    """As escapes or as bytes, beside pairs and backslashes; what comes out can be written as UTF-8."""
    assume(_fields(_whole(document)) == _fields(document))  # no two names become one
    body = json.dumps(document, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")

    found = read_json(body)

    assert found == _whole(document)
    json.dumps(found, ensure_ascii=False).encode()


@given(
    body=st.binary(max_size=80),
    content_type=st.text(max_size=30) | st.sampled_from(CHARSETS).map("x;charset={}".format),
)
def test_reading_is_bounded_and_never_raises(body: bytes, content_type: str) -> None:
    """At most three readings, each of a text at most three times as long as the body."""
    found = list(candidates(body, declared_charset(content_type)))

    assert len(found) <= 3
    assert all(len(repaired.body) <= 3 * len(body) for repaired in found)
    assert isinstance(read_object(body, content_type), dict | Unparsed)


@given(
    document=_documents(_broken_texts),
    charset=st.sampled_from(CHARSETS),
    has_mark=st.booleans(),
    nuls=st.integers(0, 3),
)
def test_outline_shows_what_the_document_shows(document: Any, charset: str, has_mark: bool, nuls: int) -> None:
    """The ingress reads the outline, the pipeline the whole: the key must be the same."""
    document = {"id": "é\ud83d", **document}
    body = BOM * has_mark + _encoded(document, charset) + b"\x00" * nuls
    content_type = f"application/json; charset={charset}"

    outline = read_outline(outline_decoder(("id",)), body, content_type)
    whole = read_object(body, content_type)

    assert type(outline) is type(whole)
    if isinstance(whole, dict) and isinstance(outline, dict):
        assert outline.get("id") == whole.get("id")


def test_outline_follows_the_declared_charset() -> None:
    """Bytes that are valid UTF-8 by chance name another resource there."""
    outline = read_outline(outline_decoder(("id",)), b'{"id":"\xc3\xa9"}', "application/json; charset=iso-8859-1")

    assert outline == {"id": "Ã©"}


@pytest.mark.parametrize("body", [b'{"id":1e99999999999999999999}', b'{"id":' * 100_000, BOM + b'{"id":' * 100_000])
def test_outline_never_raises(body: bytes) -> None:
    """A number that no decimal can hold, in a field that names the resource, made the ingress answer 503 for ever."""
    assert isinstance(read_outline(outline_decoder(("id",)), body), Unparsed)
