"""Runs calls of librdkafka that may never return: nothing waits for their threads, not even process exit."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any


def in_background(function: Callable[..., object], *arguments: Any) -> Future[None]:
    """Run a function on its own daemon thread; a pool would wait for its threads at process exit."""
    future: Future[None] = Future()

    def run() -> None:
        try:
            function(*arguments)
        except BaseException as error:  # noqa: BLE001  # raised again by `future.result`
            future.set_exception(error)
        else:
            future.set_result(None)

    threading.Thread(target=run, name="background", daemon=True).start()
    return future
