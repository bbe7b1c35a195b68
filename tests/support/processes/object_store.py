"""A real S3-compatible server for tests: moto's, on a free port of 127.0.0.1. It keeps objects in memory."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError

from local.guard import spawn
from local.ports import free_port
from tests.support.waiting import until

ACCESS_KEY = "made-up-key"
SECRET_KEY = "made-up-secret-4711"
BUCKET = "lake"


class ObjectStore:
    """One server with one bucket."""

    def __init__(self, port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self._client: Any = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            region_name="us-east-1",
        )

    def make_bucket(self) -> bool:
        """Make the bucket; say whether the server answered."""
        with suppress(BotoCoreError):
            self._client.create_bucket(Bucket=BUCKET)
            return True
        return False

    def names(self, prefix: str) -> set[str]:
        """Return the last part of the name of each object below a prefix."""
        listed = self._client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return {entry["Key"].rpartition("/")[2] for entry in listed}


@contextmanager
def object_store(directory: Path) -> Iterator[ObjectStore]:
    """Give a running server that ends with the block."""
    port = free_port()
    log = directory / "object-store.log"
    log.touch()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    child = spawn(command, log=log, environment={**os.environ, "NO_PROXY": "127.0.0.1"})
    try:
        store = ObjectStore(port)
        until(store.make_bucket, 60, "an object store that answers", poll_s=0.2)
        yield store
    finally:
        child.kill()
