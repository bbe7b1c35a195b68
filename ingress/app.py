"""The ingress's paths: `/v1/{source}`, and below it `writes` for declared writes.

Health and metrics are served on a separate port (`broker/operations.py`).

Deliveries bypass Starlette's router and its two middlewares, which take 8 us a request (measured).
"""

import asyncio
import traceback
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ingress import answers
from ingress.answers import Answer
from ingress.receive import Receiver

DELIVERIES = b"/v1/"
METHODS = "GET, HEAD, POST"
EMPTY_200: Message = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]}
NO_BODY: Message = {"type": "http.response.body", "body": b""}

log = structlog.get_logger("ingress")


class IngressApp:
    """The ASGI application: answers deliveries and passes everything else to `fallback`."""

    def __init__(self, receiver: Receiver, fallback: ASGIApp) -> None:
        self._receiver = receiver
        self._elsewhere = fallback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or run the lifespan."""
        if scope["type"] != "http" or not scope["raw_path"].startswith(DELIVERIES):
            await self._elsewhere(scope, receive, send)
            return
        name = source_name(scope["raw_path"])
        try:
            answer = await self._answer(name, scope, receive)
        except asyncio.CancelledError:
            # Out of time while draining: 503 makes the provider retry; the server would answer 500.
            answer = answers.unavailable("shutting_down", "the process is ending; send it again")
            self._receiver.record(name, answer)
        except Exception as error:  # noqa: BLE001 - the outermost layer: a fault must cost a retry, never a 500
            answer = answers.unavailable("internal_fault", "the delivery was not kept; send it again")
            log.error("request_failed", fault=type(error).__name__, location=location(error))
            self._receiver.record(name, answer)
        await send_answer(answer, send)

    async def _answer(self, name: str, scope: Scope, receive: Receive) -> Answer:
        match scope["method"]:
            case "POST":
                peer = scope["client"]
                return await self._receiver.receive(name, scope["headers"], receive, peer[0] if peer else "")
            case "GET" | "HEAD":
                return self._receiver.probe(name)
        answer = answers.wrong_method(METHODS)
        self._receiver.record(name, answer)
        return answer


def source_name(raw_path: bytes) -> str:
    """Return the source named by a path below `/v1/`, undecoded: a proxy's filter has seen the same bytes.

    A slash after the name is ignored: a provider that never retries may send it.
    """
    return raw_path.removeprefix(DELIVERIES).removesuffix(b"/").decode("latin-1")


Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


def fallback(lifespan: Lifespan) -> ASGIApp:
    """Return the application for everything except deliveries: it runs the lifespan and serves no path."""

    async def refuse(_request: Request, _error: Exception) -> Response:
        answer = answers.unknown_path()
        return Response(answer.body(), answer.status, media_type="application/json")

    return Starlette(exception_handlers={404: refuse}, lifespan=lifespan)


async def send_answer(answer: Answer, send: Send) -> None:
    """Write an answer: an empty 200, or a refusal's JSON."""
    if not answer.reason:
        await send(EMPTY_200)
        await send(NO_BODY)
        return
    body = answer.body()
    headers = [answers.JSON, (b"content-length", b"%d" % len(body)), *answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def location(error: BaseException) -> str:
    """Return the file and line where an exception was raised, without its text, which may quote a body."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown"
