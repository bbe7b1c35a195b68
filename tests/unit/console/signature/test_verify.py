"""`penstock verify` names every usual mistake, at every provider that can have it, and never shows a secret."""

import base64
import hmac
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from console import cli
from console.errors import Misused
from console.signature.captured_request import BOM, read_captured
from console.signature.clock import clock
from console.signature.diagnosis import Case, Diagnosis, diagnose
from providers.base import Sample, SignedRequest, Verified
from providers.generic import GenericOptions
from providers.registry import PROVIDERS, provider
from tests.support.builders.corpora import read_corpus

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
BODY = b'{"id": 7, "price": 10.00, "name": "Caf\xc3\xa9 <b>", "tags": ["a/b"], "at": null}'
SECRET = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TIMED = ("bigcommerce", "standard", "stripe")
SIGNED = tuple(name for name in PROVIDERS if name != "shopery")
TEXT_KEYED = tuple(name for name in SIGNED if name != "standard")
SIGNATURE_HEADERS = {
    "shopify": "x-shopify-hmac-sha256",
    "bigcommerce": "webhook-signature",
    "github": "x-hub-signature-256",
    "stripe": "stripe-signature",
    "standard": "webhook-signature",
    "generic": "x-webhook-signature",
}
VECTORS: list[dict[str, Any]] = read_corpus("signature_vectors.json")


def signed(name: str, body: bytes = BODY, secret: bytes = SECRET) -> SignedRequest:
    """Return a request as the provider sends it."""
    sample = Sample(body, "products/update", "msg_1", NOW)
    return SignedRequest(provider(name).sign(sample, secret), body)


def with_body(request: SignedRequest, body: bytes) -> SignedRequest:
    """Return a request whose body was changed in transit."""
    return SignedRequest(request.headers, body)


def with_signature(request: SignedRequest, name: str, change: Callable[[str], str]) -> SignedRequest:
    """Return a request whose signature header was changed in transit."""
    header = SIGNATURE_HEADERS[name]
    return SignedRequest({**request.headers, header: change(request.headers[header])}, request.body)


def judged(name: str, request: SignedRequest, *secrets: bytes, now: datetime = NOW) -> Diagnosis:
    """Return the findings for a request with a known secret."""
    return diagnose(Case(provider(name), request, secrets or (SECRET,), now))


def codes(diagnosis: Diagnosis) -> list[str]:
    """Return the findings, for machines."""
    return [cause.code for cause in diagnosis.causes]


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_right_signature_is_verified(name: str) -> None:
    """Nothing is left to explain; the second secret counts as well."""
    diagnosis = judged(name, signed(name), b"another", SECRET)

    assert diagnosis.verdict == Verified(1)
    assert (diagnosis.is_signature_right, diagnosis.causes, diagnosis.hints) == (True, (), ())


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize(
    ("sent", "kept", "code", "words"),
    [
        (BODY, BODY + b"\n", "body_final_newline_added", "with its final newline removed"),
        (BODY, BODY + b"\r\n", "body_final_newline_added", "with its final newline removed"),
        (BODY + b"\n", BODY, "body_final_newline_removed", "with a newline at its end"),
        (BODY + b"\r\n", BODY, "body_final_newline_removed", "with CRLF at its end"),
        (b'{\n"a": 1\n}', b'{\r\n"a": 1\r\n}', "body_line_ends_changed", "LF for CRLF"),
        (b'{\r\n"a": 1\r\n}', b'{\n"a": 1\n}', "body_line_ends_changed", "CRLF for LF"),
        (b'{\r\n"a": 1\r\n}', b'{\n"a": 1\n}\n', "body_line_ends_changed", "no newline at its end"),
        (BODY, BOM + BODY, "body_bom_added", "without its byte order mark"),
        (BOM + BODY, BODY, "body_bom_removed", "with a byte order mark"),
        (BODY, b"\n" + BODY + b" \n", "body_white_space_added", "without white space"),
        (b'{"a":1.00,"b":[1,2]}', b'{"a": 1.00, "b": [1, 2]}', "body_json_rewritten", "compact"),
        (b'{"a": 1.00, "b": [1, 2]}', b'{"a":1.00,"b":[1,2]}', "body_json_rewritten", "with spaces"),
        (b'{\n  "a": 1.00\n}\n', b'{"a":1.00}', "body_json_rewritten", "indented by 2, with a newline at its end"),
        (b'{\n    "a": 1\n}', b'{"a":1}', "body_json_rewritten", "indented by 4"),
        (b'{"a":1,"b":2}', b'{"b": 2, "a": 1}', "body_json_rewritten", "keys sorted"),
        (b'{"a":"\xc3\xa9"}', b'{"a": "\\u00e9"}', "body_json_rewritten", "nothing escaped"),
        (b'{"a": "\\u00e9"}', b'{"a":"\xc3\xa9"}', "body_json_rewritten", "non-ASCII escaped"),
        (b'{"a":"\\u00e9 x\\/y"}', b'{"a":"\xc3\xa9 x/y"}', "body_json_rewritten", "slashes escaped"),
        (b'{"a":"\\u003cb\\u003e \\u0026"}', b'{"a":"<b> &"}', "body_json_rewritten", "<, > and & escaped"),
        (b'{"a":"\xe9"}', b'{"a":"\xc3\xa9"}', "body_recoded_from_latin1", "latin-1"),
        (b'{"a":"\xc3\x83\xc2\xa9"}', b'{"a":"\xc3\xa9"}', "body_recoded_from_utf8", "utf-8"),
        (b"", BODY, "body_not_signed", "no body"),
        (urlencode({"payload": BODY.decode()}).encode(), BODY, "body_form_decoded", "form-encoded"),
        (b"payload=%7E*", b"~*", "body_form_decoded", "form-encoded"),
        (BODY, urlencode({"payload": BODY.decode()}).encode(), "body_form_encoded", "sent as JSON"),
    ],
)
def test_a_changed_body_is_named(name: str, sent: bytes, kept: bytes, code: str, words: str) -> None:
    """The finding names the alteration; the rest of the request is right, and has no finding."""
    diagnosis = judged(name, with_body(signed(name, sent), kept))

    assert codes(diagnosis) == [code]
    assert words in diagnosis.causes[0].text
    assert not diagnosis.is_signature_right


def test_what_was_appended_is_told_by_the_content_length() -> None:
    """The signature fits the announced number of bytes."""
    request = signed("github")
    longer = SignedRequest({**request.headers, "content-length": str(len(BODY))}, BODY + b"-- end of capture --")

    assert codes(judged("github", longer)) == ["body_appended_to"]


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize(
    ("mine", "code"),
    [
        (SECRET + b"\n", "secret_white_space"),
        (b" " + SECRET + b"\r\n", "secret_white_space"),
        (b'"' + SECRET + b'"', "secret_quotes"),
        (b"'" + SECRET + b"'\n", "secret_quotes"),
    ],
)
def test_what_crept_into_the_secret_is_named(name: str, mine: bytes, code: str) -> None:
    """White space and quotes, from an editor, a shell or an .env file."""
    assert codes(judged(name, signed(name), mine)) == [code]


@pytest.mark.parametrize("name", TEXT_KEYED)
@pytest.mark.parametrize(
    ("theirs", "mine", "code"),
    [
        (SECRET, SECRET.removeprefix(b"whsec_"), "secret_prefix_missing"),
        (SECRET.removeprefix(b"whsec_"), SECRET, "secret_prefix_extra"),
        (b"hush\n", b"hush", "secret_newline"),
        (bytes.fromhex("00ff10"), b"00ff10", "secret_hex"),
    ],
)
def test_a_secret_read_wrongly_is_named(name: str, theirs: bytes, mine: bytes, code: str) -> None:
    """The key is the secret's text, whsec_ included."""
    assert codes(judged(name, signed(name, secret=theirs), mine)) == [code]


@pytest.mark.parametrize("name", ["shopify", "github", "stripe", "generic"])
def test_a_decoded_secret_is_named_where_its_text_is_the_key(name: str) -> None:
    """This happens to a copied Standard Webhooks example."""
    decoded = base64.b64decode(SECRET.removeprefix(b"whsec_"))

    assert codes(judged(name, signed(name, secret=decoded))) == ["secret_decoded"]


def test_a_secret_taken_as_text_is_named_where_it_is_decoded() -> None:
    """The request uses svix-*, which BigCommerce never sends."""
    request = signed("bigcommerce")
    headers = {name.replace("webhook-", "svix-"): value for name, value in request.headers.items()}

    assert codes(judged("standard", SignedRequest(headers, BODY))) == ["secret_not_decoded"]


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("real", PROVIDERS)
def test_the_real_provider_is_named(name: str, real: str) -> None:
    """BigCommerce and Standard Webhooks differ only in the key."""
    if name == real:
        return

    diagnosis = judged(name, signed(real))

    assert codes(diagnosis) == ["wrong_provider"]
    assert real in diagnosis.causes[0].text


def test_two_mistakes_are_both_named() -> None:
    """They come in the order in which to repair them."""
    request = with_body(signed("github"), BODY + b"\n")

    assert codes(judged("shopify", request, SECRET + b"\n")) == [
        "wrong_provider",
        "secret_white_space",
        "body_final_newline_added",
    ]


@pytest.mark.parametrize(
    ("name", "change", "code", "words"),
    [
        ("github", lambda text: text.removeprefix("sha256="), "wrong_prefix", "stands nothing, expected is sha256="),
        ("generic", lambda text: text.removeprefix("sha256="), "wrong_prefix", "stands nothing, expected is sha256="),
        ("shopify", lambda text: "sha256=" + text, "wrong_prefix", "stands sha256=, expected is nothing"),
        ("shopify", lambda text: "HMAC " + text, "wrong_prefix", "stands HMAC, expected is nothing"),
        ("stripe", lambda text: text.replace("v1=", "v0="), "wrong_prefix", "stands v0=, expected is v1="),
        ("stripe", lambda text: text.replace("v1=", ""), "wrong_prefix", "stands nothing, expected is v1="),
        ("standard", lambda text: text.removeprefix("v1,"), "wrong_prefix", "stands nothing, expected is v1,"),
        ("standard", lambda text: text.replace("v1,", "v1="), "wrong_prefix", "stands v1=, expected is v1,"),
        ("bigcommerce", lambda text: text.replace("v1,", "sha256="), "wrong_prefix", "expected is v1,"),
        ("shopify", lambda text: base64.b64decode(text).hex(), "wrong_encoding", "as hex, expected is base64"),
        ("standard", lambda text: "v1," + base64.b64decode(text[3:]).hex(), "wrong_encoding", "as hex"),
        ("bigcommerce", lambda text: "v1," + base64.b64decode(text[3:]).hex(), "wrong_encoding", "as hex"),
        (
            "github",
            lambda text: "sha256=" + b64(bytes.fromhex(text[7:])),
            "wrong_encoding",
            "as base64, expected is hex",
        ),
        ("generic", lambda text: "sha256=" + b64(bytes.fromhex(text[7:])), "wrong_encoding", "as base64"),
        ("stripe", lambda text: f"{text[:16]}{b64(bytes.fromhex(text[16:]))}", "wrong_encoding", "as base64"),
        ("shopify", lambda text: b64(base64.b64decode(text).hex().encode()), "wrong_encoding", "base64 of hex"),
        ("github", lambda text: f"{text}, {text}", "malformed", "have not the form"),
    ],
)
def test_a_signature_written_wrongly_is_named(name: str, change: Callable[[str], str], code: str, words: str) -> None:
    """The finding shows the actual and the expected prefix or encoding."""
    diagnosis = judged(name, with_signature(signed(name), name, change))

    assert codes(diagnosis) == [code]
    assert words in diagnosis.causes[0].text


def b64(digest: bytes) -> str:
    """Return base64 as text."""
    return base64.b64encode(digest).decode()


def test_base64_for_the_web_is_named() -> None:
    """`-` and `_` for `+` and `/`, which no provider writes."""
    body = next(body for body in (b"%d" % n for n in range(99)) if "/" in signed("shopify", body).headers[HMAC])
    request = with_signature(signed("shopify", body), "shopify", lambda text: text.replace("/", "_").replace("+", "-"))

    assert codes(judged("shopify", request)) == ["wrong_encoding"]


HMAC = SIGNATURE_HEADERS["shopify"]


def test_the_legacy_signature_alone_is_named() -> None:
    """GitHub's SHA-1 header fits, and is not accepted."""
    request = signed("github")
    headers = {name: value for name, value in request.headers.items() if name != "x-hub-signature-256"}

    diagnosis = judged("github", SignedRequest(headers, BODY))

    assert codes(diagnosis) == ["sha1_only"]
    assert "x-hub-signature-256" in diagnosis.causes[0].text
    assert diagnosis.hints == ()


def test_a_signature_in_another_header_is_named() -> None:
    """The finding includes the options under which the generic provider accepts it."""
    digest = hmac.digest(SECRET, BODY, "sha512").hex()
    diagnosis = judged("generic", SignedRequest({"x-acme-signature": digest}, BODY))

    assert codes(diagnosis) == ["wrong_algorithm"]
    (hint,) = diagnosis.hints
    assert 'signature_header = "x-acme-signature", prefix = "", encoding = "hex", algorithm = "sha512"' in hint
    options = GenericOptions(signature_header="x-acme-signature", prefix="", algorithm="sha512")
    case = Case(provider("generic", options), SignedRequest({"x-acme-signature": digest}, BODY), [SECRET], NOW)
    assert diagnose(case).verdict == Verified(0)


def test_a_body_signed_without_its_time_is_named() -> None:
    """A home-made test of a Stripe endpoint does this."""
    digest = hmac.digest(SECRET, BODY, "sha256").hex()
    request = SignedRequest({"stripe-signature": f"t={int(NOW.timestamp())},v1={digest}"}, BODY)

    diagnosis = judged("stripe", request)

    assert codes(diagnosis) == ["wrong_signed_text"]
    assert diagnosis.causes[0].text == "signed is body, expected timestamp.body"


def test_a_secret_sent_in_the_wrong_header_is_named() -> None:
    """Shopery's is the secret itself."""
    request = SignedRequest({"authorization": SECRET.decode()}, BODY)

    assert codes(judged("shopery", request)) == ["wrong_header"]


@pytest.mark.parametrize("name", TIMED)
@pytest.mark.parametrize(("later_s", "reason"), [(301, "too_old"), (-301, "in_future")])
def test_a_wrong_time_leaves_the_signature_right(name: str, later_s: int, reason: str) -> None:
    """The finding shows its time, so that the request can be verified as of then."""
    diagnosis = judged(name, signed(name), now=NOW + timedelta(seconds=later_s))

    assert codes(diagnosis) == [reason]
    assert diagnosis.is_signature_right
    assert diagnosis.signed_at == NOW
    assert "2026-11-21T10:00:00Z" in diagnosis.causes[0].text


def test_old_and_wrong_is_both() -> None:
    """The ingress reports only the first one that it checks; this reports both."""
    request = with_body(signed("standard"), BODY + b"\n")

    diagnosis = judged("standard", request, now=NOW + timedelta(days=1))

    assert codes(diagnosis) == ["wrong_signature", "body_final_newline_added"]


@pytest.mark.parametrize("name", ["bigcommerce", "stripe"])
def test_wrong_and_old_is_both(name: str) -> None:
    """Where the signature is checked first, the time is a hint."""
    diagnosis = judged(name, with_body(signed(name), BODY + b"\n"), now=NOW + timedelta(days=1))

    assert codes(diagnosis) == ["body_final_newline_added"]
    assert diagnosis.hints[-1].startswith("too_old as well: signed 86400 s ago")


@pytest.mark.parametrize("name", PROVIDERS)
def test_another_secret_explains_what_nothing_else_does(name: str) -> None:
    """The finding describes this provider's secrets."""
    diagnosis = judged(name, signed(name, secret=b"somebody else's"))

    assert codes(diagnosis) == ["nothing_fits"]
    assert any(name in hint or "HMAC" in hint or "endpoint" in hint for hint in diagnosis.hints) or name == "shopery"


def test_a_hint_names_shopifys_other_key() -> None:
    """A secret from a store's admin never fits the app's secret."""
    assert "store's admin" in judged("shopify", signed("shopify", secret=b"the store's")).hints[0]


def test_headers_of_another_provider_are_a_hint() -> None:
    """It is only a hint where nothing proves it."""
    diagnosis = judged("shopify", signed("github", secret=b"somebody else's"))

    assert "x-hub-signature-256 is a header of github" in diagnosis.hints


def test_no_signature_at_all_is_said() -> None:
    """Signing is off, or a proxy drops unknown headers."""
    assert codes(judged("github", SignedRequest({"x-github-hook-id": "1"}, BODY), b"1")) == ["no_signature"]


@pytest.mark.parametrize("vector", [pytest.param(vector, id=vector["id"]) for vector in VECTORS])
def test_vectors_are_judged_as_documented(vector: dict[str, Any]) -> None:
    """Official and observed signatures, read from a file; a refusal has a cause."""
    headers = "".join(f"{name}: {value}\r\n" for name, value in vector["headers"].items())
    content = f"POST / HTTP/1.1\r\n{headers}\r\n".encode() + base64.b64decode(vector["body_base64"])
    now = datetime.fromtimestamp(vector.get("now") or 1_700_000_000, UTC)
    name, options = vector_rules(vector)
    secrets = [secret.encode() for secret in vector.get("secrets") or [vector["secret"]]]

    diagnosis = diagnose(Case(provider(name, options), read_captured(content).request, secrets, now))

    is_legacy = (vector.get("note") or "").startswith("legacy-sha1")  # right, but not accepted
    assert isinstance(diagnosis.verdict, Verified) == (vector["expect"] == "valid" and not is_legacy)
    assert isinstance(diagnosis.verdict, Verified) or diagnosis.causes
    if is_legacy:
        assert codes(diagnosis) == ["sha1_only"]


def vector_rules(vector: dict[str, Any]) -> tuple[str, GenericOptions | None]:
    """Return a vector's provider, and its options."""
    if vector["provider"] != "generic-hmac":
        return ("standard" if vector["provider"] == "standard-webhooks" else vector["provider"]), None
    algorithm: Any = "sha512" if "alg=sha512" in vector["why"] else "sha256"
    has_prefix = "=" in next(iter(vector["headers"].values()))
    return "generic", GenericOptions(prefix=f"{algorithm}=" if has_prefix else "", algorithm=algorithm)


@pytest.mark.parametrize(
    ("vector_id", "code"),
    [
        ("gh-docs-2", "body_final_newline_added"),
        ("stripe-dotnet-13", "body_final_newline_removed"),
        ("stripe-dotnet-11", "wrong_prefix"),
        ("sw-14", "wrong_prefix"),
        ("sw-4", "too_old"),
        ("sw-5", "in_future"),
        ("shopify-js-3", "no_signature"),
        ("gh-octokit-3", "nothing_fits"),
    ],
)
def test_vectors_are_explained(vector_id: str, code: str) -> None:
    """The alterations that their authors made are found."""
    vector = next(vector for vector in VECTORS if vector["id"] == vector_id)
    headers = {name.lower(): value for name, value in vector["headers"].items()}
    request = SignedRequest(headers, base64.b64decode(vector["body_base64"]))
    now = datetime.fromtimestamp(vector.get("now") or 1_700_000_000, UTC)
    name, options = vector_rules(vector)

    assert codes(diagnose(Case(provider(name, options), request, [vector["secret"].encode()], now))) == [code]


@pytest.mark.parametrize(
    ("content", "body", "notes"),
    [
        (b"POST /x HTTP/1.1\r\nX-A: 1\r\n\r\n{}\n", b"{}\n", ()),
        (b"POST https://a:8/x?y=z HTTP/2\r\nX-A: 1\r\n\r\n\r\n{}", b"\r\n{}", ()),
        (b"X-A: 1\r\n\r\n{}", b"{}", ()),
        (b"X-A: 1\r\n\r\n", b"", ()),
        (b"X-A: 1\n\n{}\r\n", b"{}\r\n", ("header lines end in LF",)),
        (BOM + b"X-A: 1\r\n\r\n{}", b"{}", ("byte order mark",)),
        (b"X-A: 1\r\nContent-Length: 3\r\n\r\n{}", b"{}", ("Content-Length says 3 bytes, the body here has 2",)),
        (b"X-A: 1\r\nContent-Length: 1\r\n\r\n{}", b"{}", ("Content-Length says 1 bytes, the body here has 2",)),
        (b"X-A: 1\r\n", b"", ("no blank line",)),
        (b"X-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", b"{}", ("in chunks",)),
        (b"X-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n{}", b"{}", ()),
    ],
)
def test_a_file_is_read_whatever_its_form(content: bytes, body: bytes, notes: tuple[str, ...]) -> None:
    """The body to the last byte; possible alterations are reported."""
    captured = read_captured(content)

    assert captured.request.body == body
    assert captured.request.headers["x-a"] == "1"
    assert len(captured.notes) == len(notes)
    for note, words in zip(captured.notes, notes, strict=True):
        assert words in note


def test_a_repeated_header_is_joined_as_the_ingress_joins_it() -> None:
    """So a second signature does not replace the first."""
    assert read_captured(b"X-A: 1\r\nx-a: 2\r\n\r\n").request.headers == {"x-a": "1, 2"}


def test_a_body_kept_apart_is_taken_whole() -> None:
    """With or without a blank line; two bodies are one too many."""
    for content in (b"X-A: 1", b"X-A: 1\n", b"POST / HTTP/1.1\nX-A: 1\n\n"):
        assert read_captured(content, b"{}\n").request.body == b"{}\n"
    with pytest.raises(Misused, match="two bodies"):
        read_captured(b"X-A: 1\n\n{}", b"{}")


@pytest.mark.parametrize("content", [b"", b'{"token": "hush"}', b"X-A: 1\nhush\n\n{}", b"Content-Length: hush\n\n"])
def test_what_is_no_request_is_refused_unquoted(content: bytes) -> None:
    """The text may be a body, or a secret."""
    with pytest.raises(Misused, match="Name: value") as raised:
        read_captured(content)

    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(
    ("now", "headers", "time", "origin"),
    [
        ("2026-11-21T10:00:00Z", {"date": "Sat, 01 Aug 2026 00:00:00 GMT"}, NOW, "--now"),
        (str(int(NOW.timestamp())), {}, NOW, "--now"),
        (None, {"date": "Sat, 21 Nov 2026 10:00:00 GMT"}, NOW, "the file's Date header"),
        (None, {"date": "yesterday"}, NOW + timedelta(1), "this machine's clock"),
    ],
)
def test_the_clock_is_chosen_and_named(now: str | None, headers: dict[str, str], time: datetime, origin: str) -> None:
    """The order is: the option's, the file's, this machine's."""
    found = clock(now, headers, NOW + timedelta(1))

    assert (found.time, found.origin) == (time, origin)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run commands in an empty directory, without this machine's settings."""
    monkeypatch.chdir(tmp_path)
    for name in ("CONFIG", "DATA_DIR"):
        monkeypatch.delenv(f"PENSTOCK_{name}", raising=False)
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Return the exit code of `penstock verify`."""
    monkeypatch.setattr(sys, "argv", ["penstock", "verify", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def keep(request: SignedRequest, path: Path) -> None:
    """Keep a request in a file, as it was on the wire."""
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    path.write_bytes(f"POST /v1/x HTTP/1.1\r\n{head}\r\n".encode() + request.body)


@pytest.mark.parametrize("name", PROVIDERS)
def test_the_command_verifies(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Exit code 0."""
    keep(signed(name), elsewhere / "a.http")

    code = run(monkeypatch, "-p", name, "--secret", f"text:{SECRET.decode()}", "--now", NOW.isoformat(), "a.http")

    assert code == 0
    assert f"verified: signed as {name} with secret 1 of 1" in capsys.readouterr().out


@pytest.mark.parametrize("as_json", [(), ("--json",)])
@pytest.mark.parametrize("name", PROVIDERS)
def test_the_command_explains_and_shows_nothing_secret(
    elsewhere: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    as_json: tuple[str, ...],
) -> None:
    """Exit code 1; the output has neither the secret, nor the body, nor any signature, given or right."""
    request = signed(name)
    kept = replace_secret(with_body(request, b"[" + BODY + b"]"), name)
    keep(kept, elsewhere / "a.http")
    right = signed(name, kept.body).headers
    monkeypatch.setenv("HUSH", SECRET.decode())

    code = run(monkeypatch, "-p", name, "--secret", "env:HUSH", "--now", NOW.isoformat(), "a.http", *as_json)

    shown = "".join(capsys.readouterr())
    assert code == 1
    assert "nothing_fits" in shown
    hidden = [SECRET.decode(), "MfKQ9r8", "Caf"]
    hidden += [value[-24:] for headers in (kept.headers, right) for key, value in headers.items() if "signature" in key]
    assert not [text for text in hidden if text in shown]


def replace_secret(request: SignedRequest, name: str) -> SignedRequest:
    """Return a request of shopery with another secret; others are wrong because of their body."""
    if name != "shopery":
        return request
    return SignedRequest({**request.headers, "x-shopery-secret": "somebody else's"}, request.body)


def test_json_says_everything_a_program_needs(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One object on one line."""
    keep(with_body(signed("stripe"), BODY + b"\n"), elsewhere / "a.http")

    code = run(
        monkeypatch, "--json", "-p", "stripe", "--secret", f"text:{SECRET.decode()}", "--now", str(NOW), "a.http"
    )

    report = json.loads(capsys.readouterr().out)
    assert code == 1
    assert (report["verified"], report["signature_right"], report["reason"]) == (False, False, "wrong_signature")
    assert [cause["code"] for cause in report["causes"]] == ["body_final_newline_added"]
    assert (report["signed_at"], report["clock"]) == ("2026-11-21T10:00:00+00:00", "--now")
    assert report["body_bytes"] == len(BODY) + 1


def test_the_request_may_come_from_standard_input_and_its_body_from_a_file(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe from another tool works this way."""
    request = signed("github")
    keep(SignedRequest(request.headers, b""), elsewhere / "head")
    (elsewhere / "body").write_bytes(BODY)
    monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO((elsewhere / "head").read_bytes())))

    assert run(monkeypatch, "-p", "github", "--secret", f"text:{SECRET.decode()}", "--body", "body", "-") == 0


def test_a_source_brings_its_provider_options_and_secrets(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All current secrets are tried; the output names the one that signed."""
    (elsewhere / "penstock.toml").write_text(
        '[[sources]]\nname = "tickets"\nprovider = "generic"\nsecrets = ["text:new", "text:old"]\n'
        'options = { signature_header = "x-acme", prefix = "" }\n'
    )
    digest = hmac.digest(b"old", BODY, "sha256").hex()
    keep(SignedRequest({"x-acme": digest}, BODY), elsewhere / "a.http")

    assert run(monkeypatch, "--source", "tickets", "a.http") == 0
    assert "secret 2 of 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-p", "github", "--secret", "text:s", "gone.http"), "gone.http: no such file"),
        (("-p", "github", "--secret", "text:s", "noise"), "not an HTTP request"),
        (("-p", "githbu", "--secret", "text:s", "a.http"), "did you mean 'github'?"),
        (("-p", "github", "a.http"), "no secret to check with: pass --secret"),
        (("-p", "github", "--secret", "hush", "a.http"), "--secret: expected env:NAME, file:PATH or text:SECRET"),
        (("-p", "github", "--secret", "env:GONE", "a.http"), "env:GONE: the environment variable GONE is not set"),
        (("-p", "github", "--secret", "text:s", "--now", "soon", "a.http"), "--now: expected a time"),
        (("-p", "github", "-s", "shop", "a.http"), "say --provider with --secret, or --source"),
        (("a.http",), "say --provider with --secret, or --source"),
        (("-s", "shpo", "a.http"), "no source is called 'shpo'; known are shop, open; did you mean 'shop'?"),
        (("-s", "open", "a.http"), "no secret to check with: open has none"),
        (("-s", "shop", "-c", "gone.toml", "a.http"), "gone.toml: no such file"),
    ],
)
def test_a_mistake_on_the_command_line_ends_with_2(
    elsewhere: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    """The message says what was expected, without a traceback or the secret."""
    keep(signed("github"), elsewhere / "a.http")
    (elsewhere / "noise").write_bytes(b"\x00\x01")
    (elsewhere / "penstock.toml").write_text(
        '[[sources]]\nname = "shop"\nprovider = "shopify"\nsecrets = ["text:s"]\n'
        '[[sources]]\nname = "open"\nprovider = "github"\nverify = "none"\n'
    )

    code = run(monkeypatch, *arguments)

    said = " ".join(capsys.readouterr().err.split())
    assert code == 2
    assert message in said
    assert "hush" not in said


def test_a_case_hides_its_secrets() -> None:
    """A traceback, for example, does not show them."""
    assert "MfKQ" not in repr(replace(Case(provider("github"), signed("github"), [SECRET], NOW), now=NOW))
