"""`penstock subscribe`: register webhooks at the providers, and repair what they switched off."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.options import DATA_DIR, ConfigOption, DataDirOption, JsonOption
from console.selecting import SourcesOption, YesOption

if TYPE_CHECKING:
    from console.subscribe.work import Wanted

TO_DO = 3
subscribe = typer.Typer(
    no_args_is_help=True,
    help="Register webhooks at the providers: see what is to do, do it, repair what was switched off.\n\n"
    "Only hooks below public_url of the ingress are ever changed.",
    epilog="Exit codes: 0 nothing is to do, or all was done; 1 an account could not be read, or something failed; "
    "2 arguments or configuration are wrong; 3 something is to do (plan), or was not agreed to.",
)

PruneOption = Annotated[
    bool, typer.Option("--prune", help="Also delete hooks below public_url, and their topics, that nothing wants.")
]


@subscribe.command()
def plan(
    sources: SourcesOption = None,
    prune: PruneOption = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """Show what is to do, and why. Exit code 3: something is."""
    from console.options import load_configuration
    from console.subscribe import report, work

    configuration = load_configuration(config, data_dir)
    made = work.planned(configuration, data_dir, work.Wanted(frozenset(sources or ()), prune))
    report.print_plan(made, as_json=as_json, how="`penstock subscribe apply` does it")
    _end(made.failures > 0, TO_DO if made.actions else 0)


@subscribe.command()
def apply(
    sources: SourcesOption = None,
    prune: PruneOption = False,
    plan_: Annotated[
        str | None,
        typer.Option("--plan", help="Only if this is the plan: what `subscribe plan` calls it.", show_default=False),
    ] = None,
    yes: YesOption = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """Show the plan, ask, and do exactly that. What changes meanwhile is noticed, and nothing is done then."""
    from console.subscribe.work import Wanted

    _apply(Wanted(frozenset(sources or ()), prune), plan_, config, data_dir, yes=yes, as_json=as_json)


@subscribe.command()
def repair(
    sources: SourcesOption = None,
    yes: YesOption = False,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
    as_json: JsonOption = False,
) -> None:
    """Activate hooks that a provider switched off, and make those anew that vanished; nothing else."""
    from console.subscribe.work import Wanted

    _apply(Wanted(frozenset(sources or ()), repairs=True), None, config, data_dir, yes=yes, as_json=as_json)


def _apply(
    wanted: "Wanted", digest: str | None, config: Path | None, data_dir: Path, *, yes: bool, as_json: bool
) -> None:
    from console.options import load_configuration
    from console.screen import is_agreed
    from console.subscribe import report, work

    configuration = load_configuration(config, data_dir)
    shown = work.planned(configuration, data_dir, wanted)
    if digest is not None and digest != shown.digest:
        report.print_changed(shown, as_json=as_json)
        raise typer.Exit(1)
    report.print_plan(shown, as_json=as_json, how="")
    if not shown.actions:
        _end(shown.failures > 0, 0)
        return
    if not yes and digest is None and not is_agreed(f"Do {len(shown.actions):,} things at the providers?"):
        raise typer.Exit(TO_DO)
    try:
        done = work.applied(
            configuration, data_dir, wanted, shown, lambda one: report.print_applied(one, as_json=as_json)
        )
    except work.Changed as changed:
        report.print_changed(changed.plan, as_json=as_json)
        raise typer.Exit(1) from changed
    _end(shown.failures > 0 or any(one.outcome != "done" for one in done), 0)


def _end(has_failed: bool, code: int) -> None:
    """End with 1 for a failure, or else with this code."""
    if has_failed or code:
        raise typer.Exit(1 if has_failed else code)
