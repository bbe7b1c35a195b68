"""Does what a plan says: at each account first what is made, then what is changed, then what is deleted.

Every step leaves a state from which the next run goes on: a secret is in its file before its hook is active, the new hook is
active before the old one is deleted, and what this run made and could not finish is deleted again. Nothing else ever is.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from config.model import Configuration, Source
from config.problems import ConfigurationError
from providers.hooks import HOOK_RULES, Created, Hook, HookApi, Wish
from subscriptions.actual import Accounts
from subscriptions.desired import Desired
from subscriptions.plan import AccountPlan, Action, Plan, hook_key
from subscriptions.secret_files import SecretFileError, SecretFiles, fingerprint, new_secret

Outcome = Literal["done", "failed", "undone", "skipped"]
_ORDER: Final = {"create": 0, "replace": 0, "update": 1, "delete": 2}


class Applied(Struct, frozen=True):
    """What became of one action. `undone`: it failed, and what it had made was deleted again."""

    desired: Desired
    action: Action
    outcome: Outcome
    detail: str = ""


async def apply(
    plan: Plan, configuration: Configuration, accounts: Accounts, files: SecretFiles, pace: float = 1.0
) -> AsyncIterator[Applied]:
    """Yield what became of each action. After a failure nothing more is done at that account, and nothing is deleted there.

    `pace` scales the pauses that a provider wants between two changes.
    """
    for account in plan.accounts:
        source, client = configuration.source(account.desired.source), accounts.client(account.desired)
        if source is None or client is None or not account.actions:
            continue
        worker = _Worker(account.desired, source, client, files)
        async for applied in _account(account, worker, pace * HOOK_RULES[account.desired.provider].pause_s):
            yield applied


async def _account(account: AccountPlan, worker: "_Worker", pause_s: float) -> AsyncIterator[Applied]:
    has_failed = False
    for number, action in enumerate(_ordered(account.actions)):
        if number and not has_failed:
            await asyncio.sleep(pause_s)
        if has_failed:
            yield Applied(account.desired, action, "skipped", "something before it failed")
            continue
        applied = await worker.do(action)
        has_failed = applied.outcome != "done"
        yield applied


def _ordered(actions: Sequence[Action]) -> list[Action]:
    return sorted(actions, key=lambda action: _ORDER[action.verb])


class _Worker:
    """Does the actions of one account."""

    def __init__(self, desired: Desired, source: Source, client: HookApi, files: SecretFiles) -> None:
        self._desired, self._source, self._client, self._files = desired, source, client, files
        self._rule = HOOK_RULES[desired.provider].secret

    async def do(self, action: Action) -> Applied:
        """Do one action."""
        if action.blocked:
            return Applied(self._desired, action, "failed", action.blocked)
        try:
            match action:
                case Action(verb="create", wish=Wish() as wish):
                    detail = await self._make(action, wish)
                case Action(verb="replace", wish=Wish() as wish, hook=Hook() as hook):
                    detail = await self._make(action, wish) or await self._delete(hook)
                case Action(verb="update", wish=Wish() as wish, hook=Hook() as hook):
                    detail = await self._update(action, wish, hook)
                case Action(hook=Hook() as hook):
                    detail = await self._delete(hook)
                case _:
                    raise ValueError(f"expected an action with its hook or wish, got {action.verb}")
        except (SecretFileError, ConfigurationError) as error:
            detail = str(error)
        except _Undone as undone:
            return Applied(self._desired, action, "undone", str(undone))
        return Applied(self._desired, action, "failed" if detail else "done", detail)

    async def _make(self, action: Action, wish: Wish) -> str:
        """Make a hook; return why it was not made, "" if it was."""
        secret = self._our_secret(action)
        made = await self._client.create(wish, secret)
        if not isinstance(made, Created):
            return made.detail
        if self._rule == "ours" and secret is not None:
            self._files.note(hook_key(self._desired, made.hook), secret)
        return await self._finish(action, wish, made) if self._rule == "theirs" else ""

    async def _finish(self, action: Action, wish: Wish, made: Created) -> str:
        """Keep the secret that the provider told, and only then activate the hook.

        The note comes before the file: if this is killed between both, the hook counts as one whose secret nobody has.
        """
        try:
            if not made.secret:
                raise SecretFileError("expected the new hook's secret in the provider's reply, got none")
            self._files.note(hook_key(self._desired, made.hook), made.secret)
            self._files.keep(Path(action.secret_file), made.secret)
        except SecretFileError as error:
            failure = await self._client.delete(made.hook)
            left = f"; hook {made.hook.id} could not be deleted again: {failure.detail}" if failure else ""
            raise _Undone(f"{error}{left}") from error
        marked = replace(wish, mark=fingerprint(made.secret))
        activated = await self._client.update(made.hook, marked, None)
        return "" if isinstance(activated, Hook) else activated.detail

    async def _update(self, action: Action, wish: Wish, hook: Hook) -> str:
        secret = self._our_secret(action)
        if self._rule == "theirs":
            noted = self._files.known(self._source).of_hooks.get(hook_key(self._desired, hook), "")
            wish = replace(wish, mark=hook.mark or noted)
        updated = await self._client.update(hook, wish, secret)
        if not isinstance(updated, Hook):
            return updated.detail
        if self._rule == "ours" and secret is not None:
            self._files.note(hook_key(self._desired, hook), secret)
        return ""

    async def _delete(self, hook: Hook) -> str:
        failure = await self._client.delete(hook)
        if failure is None:
            self._files.forget(hook_key(self._desired, hook))
        return "" if failure is None else failure.detail

    def _our_secret(self, action: Action) -> str | None:
        """Return the secret that a hook is to sign with; a new one is in its file before any hook has it."""
        if self._rule != "ours":
            return None
        secret = self._files.signing(self._source)
        if secret is None:
            secret = new_secret()
            self._files.keep(Path(action.secret_file), secret)
        return secret


class _Undone(Exception):
    """An action failed, and what it had made was deleted again."""
