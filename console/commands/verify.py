"""`penstock verify`: say whether a request kept in a file is signed correctly and, if not, why."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.options import DATA_DIR, ConfigOption, DataDirOption, JsonOption

if TYPE_CHECKING:
    from console.signature.accounts import Account
    from console.signature.captured_request import Captured
    from console.signature.clock import Clock
    from console.signature.diagnosis import Diagnosis
    from schemas.records import Document


def verify(
    file: Annotated[
        str, typer.Argument(help="The request: headers, a blank line, the exact body; - for standard input.")
    ],
    provider: Annotated[
        str | None, typer.Option("--provider", "-p", help="The provider: shopify, github, …", show_default=False)
    ] = None,
    secret: Annotated[
        list[str] | None,
        typer.Option(help="env:NAME, file:PATH or text:SECRET; may be given several times.", show_default=False),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--source", "-s", help="Take provider and secrets from this source.", show_default=False),
    ] = None,
    body: Annotated[
        Path | None, typer.Option(help="The body, if it is in a separate file.", show_default=False)
    ] = None,
    now: Annotated[
        str | None,
        typer.Option(
            help="Judge as of this time (2026-11-21T10:00:00Z or Unix seconds); default: the file's Date, else now.",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """Say whether a captured request is signed correctly; if not, try the usual mistakes and name the one that explains it.

    The output never shows the secret, the body or the right signature. Exits with 1 when the request is not verified.
    """
    import os
    from datetime import UTC, datetime

    from console.options import load_configuration
    from console.signature.accounts import Choice, chosen_account
    from console.signature.clock import clock
    from console.signature.diagnosis import Case, diagnose
    from providers.base import Verified

    configuration = None if source is None else load_configuration(config, data_dir)
    captured = _captured(file, body)
    clock_used = clock(now, captured.request.headers, datetime.now(UTC))
    choice = Choice(provider, source, tuple(secret or ()))
    account = chosen_account(choice, configuration, os.environ, clock_used.time.date())
    diagnosis = diagnose(Case(account.provider, captured.request, account.secrets, clock_used.time))
    report = _report(account, captured, clock_used, diagnosis)
    _print_json(report) if as_json else _print(report)
    if not isinstance(diagnosis.verdict, Verified):
        raise typer.Exit(1)


def _captured(file: str, body: Path | None) -> "Captured":
    from console.signature.captured_request import read_captured

    return read_captured(_read(file), None if body is None else _read(str(body)))


def _read(file: str) -> bytes:
    import sys

    from console.errors import Misused

    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise Misused(f"{file}: {(error.strerror or 'cannot be read').lower()}") from error


def _report(account: "Account", captured: "Captured", clock_used: "Clock", diagnosis: "Diagnosis") -> "Document":
    """Return the full report, for people and programs alike."""
    from providers.base import Refused

    verdict = diagnosis.verdict
    refused = verdict if isinstance(verdict, Refused) else None
    return {
        "verified": refused is None,
        "provider": account.provider.name,
        "reason": None if refused is None else refused.reason,
        "detail": None if refused is None else refused.detail,
        "signature_right": diagnosis.is_signature_right,
        "secret": None if isinstance(verdict, Refused) else verdict.secret_index + 1,
        "secrets": len(account.secrets),
        "causes": [{"code": cause.code, "text": cause.text} for cause in diagnosis.causes],
        "hints": list(diagnosis.hints),
        "notes": list(captured.notes),
        "body_bytes": len(captured.request.body),
        "signed_at": None if diagnosis.signed_at is None else diagnosis.signed_at.isoformat(),
        "judged_at": clock_used.time.isoformat(timespec="seconds"),
        "clock": clock_used.origin,
    }


def _print_json(report: "Document") -> None:
    import json

    from local.screen import output_json

    output_json(json.dumps(report))


def _print(report: "Document") -> None:
    from console.screen import results

    screen = results()
    if report["verified"]:
        signer = f"secret {report['secret']} of {report['secrets']}"
        screen.line(f"verified: signed as {report['provider']} with {signer}", style="green")
    else:
        screen.line(f"not verified: {report['reason']}: {report['detail']}", style="red")
    for cause in report["causes"]:
        screen.line(f"  {cause['code']}: {cause['text']}", style="bold")
    for kind in ("hints", "notes"):
        for text in report[kind]:
            screen.line(f"  {kind[:-1]}: {text}")
    signed = "" if report["signed_at"] is None else f", signed at {report['signed_at']}"
    screen.line(f"  {report['body_bytes']} bytes of body{signed}, judged at {report['judged_at']} ({report['clock']})")
