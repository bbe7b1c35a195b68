"""One shop's GraphQL endpoint: queries, the token, and the bucket of points.

A token that was made from client credentials is renewed once when it is refused.
Source: Shopify's GraphQL Admin API reference 2026-07; "Get an access token with the client credentials grant".
"""

from collections.abc import Callable
from typing import Final

import msgspec

from config.problems import ConfigurationError
from providers.answers import Answer, json_of
from providers.api import Failure, Quota, Unauthorised, Unavailable
from providers.http import Client, Connections, Limits, Request
from providers.outline import at
from providers.shopify.queries import Query
from providers.shopify.replies import Answered, answered

API_VERSION: Final = "2026-07"
TOKEN_HEADER: Final = "x-shopify-access-token"  # noqa: S105  the name of a header

ClientCredentials = Callable[[], tuple[str, str]]
"""Returns an app's client id and secret; called for every new token. May raise `ConfigurationError`, as for a token."""


class Endpoint:
    """The endpoint of one shop. `quota` is the bucket of points after the newest reply, None before the first."""

    def __init__(
        self,
        base_url: str,
        token: Callable[[], str] | None = None,
        client_credentials: ClientCredentials | None = None,
        limits: Limits = Limits(),  # noqa: B008  a value
        shared: Connections | None = None,
    ) -> None:
        """`base_url` is the shop's, as in https://example.myshopify.com. Either a token is needed or client credentials.

        `token` is called for every request. `BaseUrlError` for a URL to which no token may be sent.
        """
        self.quota: Quota | None = None
        self._tokens = Tokens(base_url, client_credentials, limits, shared) if client_credentials else None
        current = self._tokens.token if self._tokens else token
        if current is None:
            raise ValueError("expected a token or client credentials")
        self._client = Client(base_url, lambda: {TOKEN_HEADER: current()}, limits, shared)

    async def query(self, query: Query, api_version: str | None = None) -> Answered:
        """Return what a query brought. A refused token is renewed once, if it can be."""
        request = Request(
            f"/admin/api/{api_version or API_VERSION}/graphql.json",
            method="POST",
            headers={"content-type": "application/json"},
            body=msgspec.json.encode({"query": query.text, "variables": query.variables}),
        )
        reply = answered(await self._sent(request), query.places)
        self.quota = reply.quota or self.quota
        return reply

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
        if self._tokens:
            await self._tokens.close()

    async def _sent(self, request: Request) -> Answer | Failure:
        tokens = self._tokens
        if tokens is None:
            return await self._client.send(request)
        if not tokens.has_token and (failure := await tokens.renew()) is not None:
            return failure
        answer = await self._client.send(request)
        if not isinstance(answer, Answer) or answer.status != 401:
            return answer
        return await tokens.renew() or await self._client.send(request)


class Tokens:
    """The access token of client credentials: fetched when it is first needed, and again when it is refused."""

    def __init__(
        self, base_url: str, credentials: ClientCredentials, limits: Limits, shared: Connections | None = None
    ) -> None:
        self._client = Client(base_url, dict, limits, shared)
        self._credentials = credentials
        self._token = ""

    @property
    def has_token(self) -> bool:
        """Say whether a token was fetched."""
        return bool(self._token)

    def token(self) -> str:
        """Return the token, "" before the first."""
        return self._token

    async def renew(self) -> Failure | None:
        """Fetch a new token; return why there is none."""
        try:
            client_id, secret = self._credentials()
        except ConfigurationError as error:
            return Unauthorised(f"the credential cannot be read: {error}")
        form = {"client_id": client_id, "client_secret": secret, "grant_type": "client_credentials"}
        request = Request(
            "/admin/oauth/access_token",
            method="POST",
            headers={"content-type": "application/json"},
            body=msgspec.json.encode(form),
        )
        answer = await self._client.send(request)
        if not isinstance(answer, Answer):
            return answer
        token = at(json_of(answer), "access_token") if answer.status == 200 else None
        if isinstance(token, str) and token:
            self._token = token
            return None
        if answer.status >= 500 or answer.status == 429:
            return Unavailable(f"status {answer.status}: no access token")
        return Unauthorised(f"status {answer.status}: the client credentials bring no access token")

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
