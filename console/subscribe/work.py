"""Makes the plan of `penstock subscribe`, and applies it after looking once more: what is done is what was shown."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from msgspec import Struct

from config.model import Configuration
from config.problems import suggestion
from config.process_lock import Held, claim
from console.errors import Failed, Misused
from providers.hooks import HOOK_RULES
from providers.http import BaseUrlError
from subscriptions.actual import Accounts, actual
from subscriptions.apply import Applied, apply
from subscriptions.desired import Desired, desired
from subscriptions.ownership import address
from subscriptions.plan import Options, Plan, Secrets, plan, repairs
from subscriptions.secret_files import SecretFileError, SecretFiles

LOCK: Final = "subscribe.lock"
PACE = 1.0  # of the pauses that providers want between two changes


class Wanted(Struct, frozen=True):
    """What a command looks at: these sources (all if there are none), with ours that are not wanted any more, or repairs only."""

    sources: frozenset[str] = frozenset()
    prune: bool = False
    repairs: bool = False


def planned(configuration: Configuration, data_dir: Path, wanted: Wanted) -> Plan:
    """Return the plan as the providers show things now."""
    return asyncio.run(_planned(configuration, data_dir, wanted))


def applied(
    configuration: Configuration, data_dir: Path, wanted: Wanted, shown: Plan, tell: Callable[[Applied], None]
) -> list[Applied]:
    """Do what a plan says and tell of every action; raise `Changed` if the providers no longer show what it was made from."""
    with _alone(data_dir):
        return asyncio.run(_applied(configuration, data_dir, wanted, shown, tell))


class Changed(Exception):
    """The plan is another one by now; nothing was done."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(f"the plan is {plan.digest} by now")
        self.plan = plan


async def _planned(configuration: Configuration, data_dir: Path, wanted: Wanted) -> Plan:
    async with _accounts(configuration) as accounts:
        return await _looked(configuration, _files(data_dir), wanted, accounts)


async def _applied(
    configuration: Configuration, data_dir: Path, wanted: Wanted, shown: Plan, tell: Callable[[Applied], None]
) -> list[Applied]:
    done = []
    files = _files(data_dir)
    async with _accounts(configuration) as accounts:
        current = await _looked(configuration, files, wanted, accounts)
        if current.digest != shown.digest:
            raise Changed(current)
        async for one in apply(current, configuration, accounts, files, PACE):
            tell(one)
            done.append(one)
    return done


async def _looked(configuration: Configuration, files: SecretFiles, wanted: Wanted, accounts: Accounts) -> Plan:
    public_url = configuration.ingress.public_url
    if public_url is None:
        raise Misused("[ingress] public_url: expected the address at which providers reach the ingress, it is not set")
    if address(public_url) is None:  # each run would take its own hooks for foreign ones and make them again
        raise Misused("[ingress] public_url: expected a plain URL in ASCII, without . and .. in its path")
    chosen = _chosen(configuration, wanted.sources, desired(configuration, public_url))
    try:
        found = await actual(chosen, accounts)
        secrets = _secrets(configuration, files, chosen)
    except (BaseUrlError, SecretFileError) as error:
        raise Misused(str(error)) from error
    names = frozenset(source.name for source in configuration.sources)
    made = plan(chosen, found, secrets, Options(public_url, names, wanted.prune))
    return repairs(made) if wanted.repairs else made


def _chosen(configuration: Configuration, names: frozenset[str], all_desired: Sequence[Desired]) -> list[Desired]:
    known = [source.name for source in configuration.sources]
    for name in sorted(names - set(known)):
        raise Misused(f"--source: no source is called {name!r}{suggestion(name, known)}")
    return [one for one in all_desired if not names or one.source in names]


def _secrets(configuration: Configuration, files: SecretFiles, chosen: Sequence[Desired]) -> Mapping[str, Secrets]:
    """Return what is known of secrets, for those sources whose hooks have some."""
    found = {}
    for one in chosen:
        source, rules = configuration.source(one.source), HOOK_RULES.get(one.provider)
        if source is not None and one.absence is None and rules is not None and rules.secret != "none":  # noqa: S105
            found[one.source] = files.known(source)
    return found


def _files(data_dir: Path) -> SecretFiles:
    return SecretFiles(data_dir, os.environ, datetime.now(UTC).date())


@asynccontextmanager
async def _accounts(configuration: Configuration) -> AsyncIterator[Accounts]:
    accounts = Accounts(configuration, os.environ)
    try:
        yield accounts
    finally:
        await accounts.close()


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """Keep another `penstock subscribe` with this data directory from changing hooks at the same time."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = claim(data_dir / LOCK)
    except Held as error:
        raise Failed(f"process {error.holder} changes hooks with this data directory; wait for its end") from error
    except OSError as error:
        raise Misused(f"{data_dir / LOCK} cannot be written: {error.strerror}") from error
    with lock:
        yield
