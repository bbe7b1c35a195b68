"""The findings of `penstock check` about reading at providers: credentials, addresses, types, and what accounts answer."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from config.model import Configuration, Source
from config.problems import ConfigurationError, suggestion
from config.secrets import credential
from config.toml_lines import key_lines
from console.abridged import listed
from console.check.configuration import DEMO_SECRET, OF_MANY_TENANTS, Finding, Level, Locations
from providers.api import Api, Checked, Failure, Malformed, Unauthorised
from providers.bigcommerce.reads import READINGS
from providers.clients import Account, client_of
from providers.http import BaseUrlError
from streams.hydrate.clients import source_client

ID_ONLY: Final = frozenset({"bigcommerce"})
"""Providers whose deliveries name their resource and do not show it."""
READ_TYPES: Final[Mapping[str, frozenset[str]]] = {"bigcommerce": frozenset(READINGS)}
"""What can be read, by provider."""
AT_ONCE: Final = 8
ASKED: Final = 200  # accounts of one source; each costs one request of its quota
ANSWER_S: Final = 30.0


def reading_findings(configuration: Configuration, path: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Yield what keeps resources from being read, by the configuration alone."""
    locations = Locations(path, key_lines(path.read_text(encoding="utf-8")))
    for index, source in enumerate(configuration.sources):
        if source.reads:
            yield from _token_findings(index, source, locations, environ)
            yield from _address_findings(index, source, locations)
            yield from _type_findings(index, source, locations)
            yield from _tenant_findings(index, source, locations)
        elif source.provider in ID_ONLY and source.hydrate == "auto":
            where = locations.of("sources", index, "name")
            what = f"deliveries of {source.provider} only name their resource"
            advice = "set api_token, or api_tokens by tenant, to read it (docs/reading.md)"
            yield Finding("warning", f"{where}: {what}, so changes of {source.name} carry the notification; {advice}")


def account_findings(configuration: Configuration, path: Path, environ: Mapping[str, str]) -> list[Finding]:
    """Return what each account with credentials answers; asks each once."""
    locations = Locations(path, key_lines(path.read_text(encoding="utf-8")))
    found: list[Finding] = []
    for index, source in enumerate(configuration.sources):
        if source.reads:
            where = locations.of("sources", index, "api_tokens" if source.api_tokens else "api_token")
            found += _of_accounts(source, where, environ)
    return found


def _token_findings(index: int, source: Source, locations: Locations, environ: Mapping[str, str]) -> Iterator[Finding]:
    named = {} if source.api_token is None else {locations.of("sources", index, "api_token"): source.api_token}
    for tenant, reference in source.api_tokens.items():
        named[locations.of("sources", index, "api_tokens", tenant)] = reference
    for where, reference in named.items():
        try:
            credential(reference, environ)
        except ConfigurationError as error:
            yield Finding("problem", f"{where}: {error}")
        if reference.startswith(DEMO_SECRET):
            yield Finding("warning", f"{where}: a token in the file itself; text: is for tests and demos")


def _address_findings(index: int, source: Source, locations: Locations) -> Iterator[Finding]:
    try:
        client_of(source.provider, Account("shop.example.com", lambda: "", source.api_url, source.api_client_id))
    except BaseUrlError as error:
        yield Finding("problem", f"{locations.of('sources', index, 'api_url')}: {error}")


def _type_findings(index: int, source: Source, locations: Locations) -> Iterator[Finding]:
    known = READ_TYPES.get(source.provider)
    if known is None or isinstance(source.hydrate, str):
        return
    for number, name in enumerate(source.hydrate):
        if name not in known:
            where, hint = locations.of("sources", index, "hydrate", number), suggestion(name, known)
            can = f"can be read: {', '.join(sorted(known))}"
            yield Finding("problem", f"{where}: {name!r} is no type of {source.provider} that {can}{hint}")


def _tenant_findings(index: int, source: Source, locations: Locations) -> Iterator[Finding]:
    if not source.tenants:
        return
    strange = sorted(set(source.api_tokens) - set(source.tenants))
    if strange:
        where = locations.of("sources", index, "api_tokens")
        yield Finding("warning", f"{where}: {listed(strange)}: not in tenants, so nothing of them is accepted")
    silent = [] if source.api_token is not None else sorted(set(source.tenants) - set(source.api_tokens))
    if silent:
        where = locations.of("sources", index, "api_tokens")
        yield Finding("warning", f"{where}: no token for {listed(silent)}: their changes carry the notification")


def _of_accounts(source: Source, where: str, environ: Mapping[str, str]) -> Iterator[Finding]:
    tenants = sorted({*source.tenants, *source.api_tokens})
    noun = OF_MANY_TENANTS.get(source.provider, "accounts")
    if not tenants and source.provider not in OF_MANY_TENANTS:
        tenants = [""]  # ids are unique without one, so there is one account
    if not tenants:
        yield Finding(
            "warning", f"{where}: which {noun} it is for is not known; list yours in tenants to have it tried"
        )
        return
    asked = tenants[:ASKED]
    answers = asyncio.run(_answers(source, asked, environ))
    yield from _said(source.name, where, noun, answers)
    if len(tenants) > ASKED:
        yield Finding("warning", f"{where}: {len(tenants) - ASKED:,} more {noun} were not asked")


def _said(name: str, where: str, noun: str, answers: Mapping[str, Checked | Failure]) -> Iterator[Finding]:
    """Yield one finding for all accounts that answer the same, the good news first."""
    same: dict[tuple[bool, str], list[str]] = {}
    for tenant, answer in answers.items():
        same.setdefault((not isinstance(answer, Checked), _sentence(answer)), []).append(tenant)
    for (is_failure, sentence), tenants in sorted(same.items()):
        count = "" if tenants == [""] else f", {_counted(tenants, noun)}"
        is_wrong = any(isinstance(answers[tenant], Unauthorised | Malformed) for tenant in tenants)
        level: Level = "fine" if not is_failure else "problem" if is_wrong else "warning"
        yield Finding(level, f"{where}: {name}: {sentence}{count}")


def _counted(tenants: Sequence[str], noun: str) -> str:
    return f"{len(tenants):,} {noun if len(tenants) != 1 else noun.removesuffix('s')}: {listed(tenants)}"


def _sentence(answer: Checked | Failure) -> str:
    match answer:
        case Checked():
            return answer.sentence
        case Unauthorised():
            return f"the token is refused ({answer.detail}), so nothing is read"
        case Malformed():
            return f"no usable answer ({answer.detail})"
        case _:
            return f"no answer for now ({answer.detail})"


async def _answers(
    source: Source, tenants: Sequence[str], environ: Mapping[str, str]
) -> Mapping[str, Checked | Failure]:
    """Ask accounts, some at once; those without usable credentials or address are left out: `reading_findings` names them."""
    clients = {tenant: api for tenant in tenants if (api := _client(source, tenant, environ)) is not None}
    found: dict[str, Checked | Failure] = {}
    for some in _slices(clients.items(), AT_ONCE):
        answers = await asyncio.gather(*(_asked(api) for _, api in some))
        found |= zip((tenant for tenant, _ in some), answers, strict=True)
    return found


async def _asked(api: Api) -> Checked | Failure:
    try:
        return await asyncio.wait_for(api.check(), ANSWER_S)
    except TimeoutError:
        return Malformed(f"no answer within {ANSWER_S:.0f} s")
    finally:
        await api.close()


def _client(source: Source, tenant: str, environ: Mapping[str, str]) -> Api | None:
    try:
        credential(source.api_tokens.get(tenant, source.api_token or ""), environ)
        return source_client(source, tenant, environ)
    except (ConfigurationError, BaseUrlError):
        return None


def _slices(pairs: Iterable[tuple[str, Api]], size: int) -> Iterator[list[tuple[str, Api]]]:
    rest = iter(pairs)
    while some := list(islice(rest, size)):
        yield some
