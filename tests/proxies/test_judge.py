"""The judge, the log lines and the answers in a stream, each on its own."""

import pytest

from tests.proxies.corpus.case import ACCEPTED, Case
from tests.proxies.http_answers import HttpAnswer, http_answers
from tests.proxies.judge import Kept, Outcome, complaints
from tests.proxies.proxies import TIMED_OUT, Taken, haproxy_line, nginx_line, stock_line

pytestmark = pytest.mark.proxies

OK = HttpAnswer(200, {b"content-length": b"0"}, b"")
NOT_FOUND = HttpAnswer(404, {b"content-length": b"2"}, b"{}")
PAGE = HttpAnswer(200, {b"content-length": b"4"}, b"page")
SENT = (("shop", b"signed"), ("shop", b"next c1"))


def outcome(passed_on: tuple[int, ...] = (200,), answers: tuple[HttpAnswer, ...] = (OK,), kept: Kept = SENT) -> Outcome:
    """Return the result of a good case, with these changes."""
    return Outcome((Taken("c1", passed_on),), answers, kept, b"nobody-c1", b"next c1")


@pytest.mark.parametrize(("seen", "expected"), [
    (outcome(), ""),
    (outcome(answers=(OK, OK)), "the proxy passed 1 requests on, the ingress answered 2"),
    (outcome((404,)), "the proxy had answers {404: 1}, the ingress gave {200: 1}"),
    (outcome((TIMED_OUT,), ()), "the ingress waited for more than the proxy had to send"),
    (outcome((404,), (NOT_FOUND,)), "expected the ingress to answer [200], it answered [404]"),
    (outcome(answers=(PAGE,)), "the ingress showed a page, which is on no path that the proxy admits"),
    (outcome(kept=(*SENT, ("hidden", b"c1"))), "kept for the source hidden, where nothing may get: b'c1'"),
    (outcome(kept=(*SENT, ("shop", b"of c1"))), "kept, although nobody signed and sent it as a body: b'of c1'"),
    (outcome(kept=(*SENT, ("shop", b"signed"))), "kept 2 times: b'signed'"),
    (outcome(kept=SENT[:1]), "the delivery that came next was not kept"),
])  # fmt: skip
def test_what_is_wrong_is_said(seen: Outcome, expected: str) -> None:
    """Every possible difference between a proxy and the ingress gives a sentence."""
    assert complaints(Case((), (b"signed",), ACCEPTED), seen) == ([expected] if expected else [])


@pytest.mark.parametrize(("stream", "statuses"), [
    (b"", []),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", [200]),
    (b"HTTP/1.1 404 Not Found\r\ncontent-length: 13\r\n\r\n HTTP/1.1 200HTTP/1.1 200 OK\r\n\r\n", [404, 200]),
    (b"HTTP/1.1 404 Not Found\r\ncontent-length: 9\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", [404, 200]),  # to HEAD
    (b"HTTP/1.0 400 Bad\r\n\r\nto the end", [400]),
    (b"HTTP/1.1 200 OK\r\ncontent-le", []),
])  # fmt: skip
def test_answers_of_a_stream(stream: bytes, statuses: list[int]) -> None:
    """Final answers are counted, with any bodies, also to HEAD and where the stream is cut off."""
    assert [answer.status for answer in http_answers(stream)] == statuses


@pytest.mark.parametrize(("read", "line", "expected"), [
    (nginx_line, '{"case":"c1","ingress":"200"}', Taken("c1", (200,))),
    (nginx_line, '{"case":"","ingress":""}', Taken("", ())),
    (nginx_line, '{"case":"c1","ingress":"502, 200"}', Taken("c1", (0, 200))),
    (nginx_line, '{"case":"c1","ingress":"504"}', Taken("c1", (TIMED_OUT,))),
    (nginx_line, '{"case":"c1","ingress":"-"}', Taken("c1", (0,))),
    (haproxy_line, "ingress 404 1 ---- c1", Taken("c1", (404,))),
    (haproxy_line, "<NOSRV> 400 -1 PR-- -", Taken("-", ())),
    (haproxy_line, "ingress 504 -1 sH c1", Taken("c1", (TIMED_OUT,))),
    (haproxy_line, "ingress 400 -1 CH c1", Taken("c1", (0,))),
    (haproxy_line, "[NOTICE]   (1) : haproxy version is 2.6.12", None),
    (stock_line, '{"case":"c1","ingress":[200]}', Taken("c1", (200,))),
    (stock_line, "2026/01/31 12:00:00 http: proxy error: EOF", None),
])  # fmt: skip
def test_log_lines(read: object, line: str, expected: Taken | None) -> None:
    """Each proxy's line names its case, and the answers for each time that it was passed on."""
    assert callable(read)
    assert read(line) == expected
