"""The limit for the ingress: the same server, answering 200 after reading the body. `python -m bench.bare_server PORT`."""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def receive(request: Request) -> Response:
    """Read the body and answer."""
    await request.body()
    return Response()


if __name__ == "__main__":
    uvicorn.run(
        Starlette(routes=[Route("/v1/{source}", receive, methods=["POST"])]),
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_level="warning",
    )
