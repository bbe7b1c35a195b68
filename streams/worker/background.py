"""Runs calls of librdkafka that may never return: nothing waits for their threads, not even the end of the process."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any


def in_background(function: Callable[..., object], *arguments: Any) -> Future[None]:
    """Run a function on a daemon thread of its own; a pool would wait for its threads when the process ends."""
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
