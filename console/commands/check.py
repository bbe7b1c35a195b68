"""`penstock check`: say what is wrong with the configuration, and with `--online` what is wrong around it."""

from typing import TYPE_CHECKING

import typer

from console.options import DATA_DIR, ConfigOption, DataDirOption, JsonOption, OnlineOption

if TYPE_CHECKING:
    from console.checks import Finding
    from schemas.configuration import Configuration, Source


def check(
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
    online: OnlineOption = False,
    as_json: JsonOption = False,
) -> None:
    """Check the configuration, its secrets and routes; with --online also Kafka, its topics and the schema registry.

    With --online it also says which fields and resources the routes name and nothing on Kafka has.

    Exits with 1 when something found keeps Penstock from working; warnings alone are fine.
    """
    import os
    from datetime import UTC, datetime

    from console.checks import offline_findings, online_findings
    from console.field_checks import name_findings
    from console.options import configuration_path
    from console.running import surroundings
    from schemas.configuration import load

    path = configuration_path(config, data_dir)
    configuration = load(path, surroundings(data_dir, path))
    findings = offline_findings(configuration, path, os.environ, datetime.now(UTC).date())
    if online:
        findings += online_findings(configuration, os.environ)
        findings += name_findings(configuration, path, os.environ)
    _print_json(findings) if as_json else _print(str(path), configuration, findings)
    if any(finding.level == "problem" for finding in findings):
        raise typer.Exit(1)


def _print(path: str, configuration: "Configuration", findings: "list[Finding]") -> None:
    from console.screen import results

    screen = results()
    screen.print(f"{path}: {len(configuration.sources)} sources, {len(configuration.routes)} routes")
    for source in configuration.sources:
        screen.print(f"  source {source.name}: {source.provider}, {_guarded(source)}")
    for route in configuration.routes:
        selectors = [f"{key}={value}" for key, value in route.model_dump(exclude_unset=True).items() if key != "name"]
        screen.print(f"  route {route.name}: {', '.join(selectors) or 'every change'}")
    styles = {"problem": "red", "warning": "yellow", "fine": "green"}
    for finding in findings:
        screen.print(f"{finding.level}: {finding.text}", style=styles[finding.level])
    if not any(finding.level == "problem" for finding in findings):
        screen.print("no problems", style="green")


def _guarded(source: "Source") -> str:
    count = len(source.secrets)
    guards = ["NOT VERIFIED"] if source.verify == "none" else [f"{count} secret{'s' if count != 1 else ''}"]
    if source.allow:
        guards.append(f"from {', '.join(source.allow)}")
    if source.rate_limit is not None:
        guards.append(f"at most {source.rate_limit:g}/s, {source.burst_at_once} at once")
    return ", ".join(guards)


def _print_json(findings: "list[Finding]") -> None:
    import json
    from dataclasses import asdict

    for finding in findings:
        typer.echo(json.dumps(asdict(finding)))
