"""`penstock replay`: decide stored deliveries again, show the differences, and publish corrections for consumers."""

from typing import TYPE_CHECKING, Annotated

import typer

from console.options import DATA_DIR, ConfigOption, DataDirOption, JsonOption

if TYPE_CHECKING:
    from datetime import datetime

    from console.queries.changes import Deployment
    from console.queries.replay_report import Report
    from streams.replay.redecide import Replay

SHOWN = 10


def replay(
    since: Annotated[
        str, typer.Option("--since", help="Compare deliveries received since: 2h, 3d, 2026-11-21T10:00:00Z.")
    ],
    source: Annotated[str | None, typer.Option("--source", "-s", help="Only this source.", show_default=False)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the differences and correct nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Correct without asking.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="Show at most this many differences of each kind.")] = SHOWN,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """Decide stored deliveries again with this version, show the differences, and publish corrections only.

    A published event cannot be withdrawn. So each resource that is wrong at consumers gets one change, from their state to the
    right one. Exits with 1 when --dry-run finds resources to correct.
    """
    import os
    import tempfile
    from contextlib import ExitStack, nullcontext
    from datetime import UTC, datetime
    from pathlib import Path

    from console.options import load_configuration
    from console.queries.changes import deployment_of
    from console.queries.replay_input import Job, replayed
    from console.queries.replay_report import Report
    from console.screen import counting
    from console.times import past_moment
    from streams.replay.redecide import Window

    loaded = load_configuration(config, data_dir)
    _check_source(source, [known.name for known in loaded.sources])
    window = Window(past_moment(since, datetime.now(UTC), "--since"), source)
    report = Report(limit, as_json)
    with (
        deployment_of(loaded, os.environ) as deployment,
        tempfile.TemporaryDirectory(prefix="penstock-replay-") as folder,
        ExitStack() as opened,
    ):
        with nullcontext(lambda _records: None) if as_json else counting("records read") as advance:
            job = Job(loaded, deployment, window)
            again, differences, scope = opened.enter_context(replayed(job, Path(folder), advance))
            for difference in differences:
                report.add_delivery(difference)
            for wrong in again.wrong_states():
                report.add_state(wrong)
        report.finish(again.tally, scope, again.unsettled())
        if dry_run:
            raise typer.Exit(1 if report.wrong else 0)
        if report.wrong and _is_wanted(deployment, report, is_sure=yes):
            _correct(deployment, again, report, datetime.now(UTC))


def _check_source(source: str | None, known: list[str]) -> None:
    from console.abridged import listed
    from console.errors import Misused

    if source is not None and source not in known:
        raise Misused(f"--source: no source {source!r} in the configuration; there are {listed(known)}")


def _is_wanted(deployment: "Deployment", report: "Report", *, is_sure: bool) -> bool:
    """Say whether to publish; raise `Misused` when no worker is running to decide the corrections."""
    from console.errors import Misused
    from console.queries.corrections import workers
    from console.screen import is_agreed

    if not workers(deployment):
        raise Misused(
            f"{report.wrong:,} resources are to be corrected, but no worker of {deployment.group} is running to do it; "
            "nothing was published: start one with this version, then replay again"
        )
    return is_sure or is_agreed(f"Emit {report.wrong:,} corrections?")


def _correct(deployment: "Deployment", again: "Replay", report: "Report", now: "datetime") -> None:
    from console.errors import Failed
    from console.queries.corrections import NewOutcomes, publish
    from console.screen import progress

    outcomes = NewOutcomes(deployment)
    ids = publish(deployment, again.wrong_states(), now)
    with progress("corrections decided", len(ids)) as advance:
        decided = outcomes.of(ids, advance)
    report.corrected(decided)
    if len(decided) < len(ids):
        raise Failed(
            f"{len(ids) - len(decided):,} of {len(ids):,} corrections wait for a worker; they are on webhooks.raw and "
            "will be decided; see `penstock explain <delivery id>`"
        )
