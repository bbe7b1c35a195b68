"""What reading from providers' APIs is made of: what is wanted, what came back, and failures as values. Pure; no network.

A provider's client (`providers/<name>/api.py`, over `providers/http.py`) turns several wanted resources into one request where
the provider can do that. Its caller keeps to the quota that the last reply told.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from schemas.records import Document


class Wanted(Struct, frozen=True):
    """One resource to read. `reference` is a path that the delivery named (Stripe's `related_object.url`), "" for none.

    `context` is what the request must name besides (Stripe's account); `api_version` that of the delivery, None for none.
    """

    resource_type: str
    resource_id: str
    reference: str = ""
    context: str = ""
    api_version: str | None = None


class Fetched(Struct, frozen=True):
    """A resource as the provider shows it now: the document in the shape of the provider's webhooks, where these have one."""

    document: Document
    api_version: str | None = None


class NotFound(Struct, frozen=True):
    """The provider answered, and has no such resource (or no longer)."""


class Throttled(Struct, frozen=True):
    """The quota is used up: ask again in so many seconds at the earliest. `detail` never has a secret."""

    retry_in_s: float
    detail: str


class Unauthorised(Struct, frozen=True):
    """The credentials are refused or lack a right: nothing of this account can be read until they are mended."""

    detail: str


class Unavailable(Struct, frozen=True):
    """No usable answer for now: a connection that failed, a time limit, 5xx, a locked store.

    `retry_in_s` is what the provider asked for, None if it did not say.
    """

    detail: str
    retry_in_s: float | None = None


class Malformed(Struct, frozen=True):
    """An answer that is not what the provider documents, or a request that it takes for wrong; trying again helps rarely."""

    detail: str


Failure = Throttled | Unauthorised | Unavailable | Malformed
"""Why nothing was read."""

Read = Fetched | NotFound | Failure
"""What became of one wanted resource."""


class Quota(Struct, frozen=True):
    """What a reply said of the account's quota, in the provider's unit (requests, points).

    Either the quota is full again in `resets_in_s` seconds (a window), or it grows by `restored_per_s` (a bucket).
    Where `is_told` is false, the provider documents a quota and does not tell what is left of it: the reader counts.
    """

    limit: float
    left: float
    resets_in_s: float | None = None
    restored_per_s: float | None = None
    is_told: bool = True


class Reply(Struct, frozen=True):
    """What one call of `read` brought: one result for each wanted resource, what it cost, and the newest quota, if told."""

    results: Mapping[Wanted, Read]
    requests: int
    cost: float
    quota: Quota | None = None


class Checked(Struct, frozen=True):
    """Credentials that work, in a sentence for `penstock check --online` ("token works, quota 150 per 30 s")."""

    sentence: str
    quota: Quota | None = None


class Api(Protocol):
    """The client of one account (tenant) at one provider, used by one event loop; connections are reused."""

    def batch(self, waiting: Sequence[Wanted]) -> Sequence[Wanted]:
        """Return the first of the waiting resources together with those that one request can read along with it, in order."""

    def cost_of(self, wanted: Sequence[Wanted]) -> float:
        """Return what reading a batch costs at most, in the quota's unit."""

    async def read(self, wanted: Sequence[Wanted]) -> Reply:
        """Read one batch; never raises for what the provider or the network does."""

    async def check(self) -> Checked | Failure:
        """Make one cheap request and say what the credentials are good for."""

    async def close(self) -> None:
        """Close the connections."""
