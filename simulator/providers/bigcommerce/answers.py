"""Answers of the fake BigCommerce: JSON, and errors in the forms of V3 (an object) and V2 (an array). Pure."""

from typing import Any, Final

from msgspec import Struct
from starlette.responses import Response

from schemas.codec import document_json

STATUS_PAGE: Final = "https://developer.bigcommerce.com/api-docs/getting-started/api-status-codes"


class Answered(Struct, frozen=True):
    """An answer: a status, and a JSON value or no body."""

    status: int
    value: Any = None

    def response(self) -> Response:
        """Return the answer as Starlette sends it."""
        if self.value is None:
            return Response(status_code=self.status)
        return Response(document_json(self.value), self.status, media_type="application/json")


def v3_error(status: int, title: str) -> Answered:
    """Return an error of V3."""
    return Answered(status, {"status": status, "title": title, "type": STATUS_PAGE, "errors": {}})


def v2_error(status: int, message: str) -> Answered:
    """Return an error of V2."""
    return Answered(status, [{"status": status, "message": message}])


def error_of(path: str, status: int, title: str) -> Answered:
    """Return an error in the form of the API's version that a path names."""
    return v2_error(status, title) if "/v2/" in path else v3_error(status, title)
