"""A client of the schema registry's Confluent-compatible HTTP API: registers schemas to write, looks up schemas to read."""

import struct
from functools import partial
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import httpx
import structlog

from broker.errors import IncompatibleSchema, RegistryError
from broker.registry_http import RegistryAccess
from broker.retry_policy import RetryPolicy
from config.model import Registry as Settings
from config.problems import ConfigurationError
from schemas import codec
from schemas.codec import SchemaName
from schemas.records import Document
from schemas.typed.reading import MessageReader
from schemas.typed.resource import TypedResource

COMPATIBILITY = "BACKWARD_TRANSITIVE"  # a consumer with the newest schema can read every record ever written
CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"
ATTEMPTS = 4  # within 2 s: for a registry being replaced behind a load balancer; the worker retries without limit
PASSING = frozenset({408, 429, 500, 502, 503, 504})
APICURIO_PATH = "/apis/ccompat/v7"

NOT_AVRO: Final = (ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError, MemoryError, struct.error)
"""What decoding raises for bytes that are no record of their schema."""

log = structlog.get_logger()


class _Passing(Exception):
    """The next attempt may succeed."""


class Registry:
    """One schema registry; ids and schemas are looked up once and cached."""

    def __init__(self, access_or_url: RegistryAccess | str) -> None:
        access = RegistryAccess(Settings(url=access_or_url), {}) if isinstance(access_or_url, str) else access_or_url
        self._url = access.url
        self._client = access.client()
        self._prefixes: dict[tuple[str, SchemaName, TypedResource | None], bytes] = {}
        self._readers: dict[int, MessageReader] = {}

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def prefix(self, topic: str, name: SchemaName, typed: TypedResource | None = None) -> bytes:
        """Return the wire prefix for values of a topic, registering the schema under `<topic>-value` the first time.

        `typed` is the resource whose records the topic holds, None for documents as text.
        """
        known = self._prefixes.get((topic, name, typed))
        if known is None:
            schema_id = self.register(f"{topic}-value", name, typed)
            known = self._prefixes[topic, name, typed] = codec.wire_prefix(schema_id)
        return known

    def register(self, subject: str, name: SchemaName, typed: TypedResource | None = None) -> int:
        """Register one of Penstock's schemas under a subject, set to BACKWARD_TRANSITIVE, and return its id.

        Raises `IncompatibleSchema` if the subject has a version that this one could not read.
        """
        kind = name if typed is None else f"{name} of {typed.name}"
        what, quoted = f"registering {kind} as {subject}", quote(subject, safe="")
        text = codec.schema_text(name) if typed is None else typed.schema_text(name)
        schema = {"schema": text, "schemaType": "AVRO"}
        answer = self._ask(what, "POST", f"/subjects/{quoted}/versions", schema)
        self._ask(what, "PUT", f"/config/{quoted}", {"compatibility": COMPATIBILITY})
        schema_id = _field(answer, "id", int, f"{what} at {self._url}")
        log.debug("schema_registered", subject=subject, schema_id=schema_id)
        return int(schema_id)

    def is_typed(self, topic: str) -> bool:
        """Say whether the newest values of a topic are changes or states with typed documents."""
        quoted = quote(f"{topic}-value", safe="")
        what = f"looking up the newest schema of {topic}-value"
        answer = self._ask(what, "GET", f"/subjects/{quoted}/versions/latest", None)
        return MessageReader(str(_field(answer, "schema", str, f"{what} at {self._url}"))).is_typed

    def decode(self, message: bytes) -> Document:
        """Return the record in a wire-format message, its documents as JSON text, also those of typed topics.

        ValueError if it is no such message, RegistryError if its schema is unknown.
        """
        return self._reader(message).record(message)

    def decode_typed(self, message: bytes) -> Document:
        """Return a record like `decode`, but with each document of a typed topic as a `TypedDocument`."""
        return self._reader(message).typed_record(message)

    def answers(self) -> None:
        """Return if the registry lists its subjects; raise `RegistryError` if it does not. Makes one attempt."""
        self._ask("listing subjects", "GET", "/subjects", None, attempts=1)

    def _reader(self, message: bytes) -> MessageReader:
        schema_id = codec.schema_id(message)
        reader = self._readers.get(schema_id)
        if reader is None:
            reader = self._readers[schema_id] = self._fetch(schema_id)
        return reader

    def _fetch(self, schema_id: int) -> MessageReader:
        what = f"looking up schema {schema_id}"
        answer = self._ask(what, "GET", f"/schemas/ids/{schema_id}", None)
        return MessageReader(str(_field(answer, "schema", str, f"{what} at {self._url}")))

    def _ask(self, what: str, method: str, path: str, body: Document | None, attempts: int = ATTEMPTS) -> Any:
        """Return the JSON of a response; retry transient failures."""
        policy = RetryPolicy((_Passing,), first_s=0.2, longest_s=1.0, attempts=attempts)
        try:
            return policy.call(partial(self._once, what, method, path, body))
        except _Passing as error:
            raise RegistryError(str(error)) from error

    def _once(self, what: str, method: str, path: str, body: Document | None) -> Any:
        where = f"{what} at {self._url}"
        try:
            response = self._client.request(method, path, json=body, headers={"content-type": CONTENT_TYPE})
        except httpx.TransportError as error:
            raise _Passing(f"{where}: {error or type(error).__name__}") from error
        except ConfigurationError as error:  # a credentials file that existed at the start
            raise RegistryError(f"{where}: {error}") from error
        if response.status_code in PASSING:
            raise _Passing(f"{where}: HTTP {response.status_code}")
        if response.status_code == HTTPStatus.CONFLICT:
            raise IncompatibleSchema(
                f"{where}: {refusal(response)}; the topic holds documents of another form: give the route another topic, or "
                "delete the topic and this subject"
            )
        if not response.is_success:
            raise RegistryError(f"{where}: {refusal(response)}")
        try:
            return response.json()
        except ValueError as error:
            raise RegistryError(f"{where}: expected JSON, got {_kind(response)}; {_path_hint()}") from error


def refusal(response: httpx.Response) -> str:
    """Return why a registry rejected a request, and what to do; never a credential."""
    status = response.status_code
    said = _message(response)
    text = f"HTTP {status} {said}".rstrip()
    if status == HTTPStatus.UNAUTHORIZED:
        return f"{text}; it does not accept the credentials of [registry]: username and password, or bearer_token"
    if status == HTTPStatus.FORBIDDEN:
        return f"{text}; the credentials of [registry] lack the right to do this"
    if response.is_redirect:
        return f"{text}; it leads elsewhere, and credentials are sent to no other address: write the final one"
    if status == HTTPStatus.NOT_FOUND and not said:
        return f"{text}; {_path_hint()}"
    return text


def _message(response: httpx.Response) -> str:
    """Return the message of Confluent's API, empty if the response is not from it."""
    try:
        answer = response.json()
    except ValueError:
        return ""
    if not isinstance(answer, dict) or not isinstance(answer.get("error_code"), int):
        return ""
    return str(answer.get("message", ""))[:300]


def _field(answer: Any, name: str, kind: type, where: str) -> Any:
    value = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(value, kind):
        raise RegistryError(f"{where}: expected {name!r} in the answer; {_path_hint()}")
    return value


def _kind(response: httpx.Response) -> str:
    return str(response.headers.get("content-type", "an answer without a type"))[:80]


def _path_hint() -> str:
    return f"is the path missing in [registry] url? Apicurio's API is below {APICURIO_PATH}, Confluent's has no path"
