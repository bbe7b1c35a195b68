"""`penstock check`: report errors in the configuration and, with `--online`, in Kafka and the registry."""

from typing import TYPE_CHECKING

import typer

from console.options import DATA_DIR, ConfigOption, DataDirOption, JsonOption, OnlineOption

if TYPE_CHECKING:
    from config.model import Configuration, Source
    from console.check.configuration import Finding
    from console.check.reachable_topics import Reachable


SELECTOR_CHARS = 400  # of one selector of a route; a filter may have thousands


def check(
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
    online: OnlineOption = False,
    as_json: JsonOption = False,
) -> None:
    """Check the configuration, its secrets and routes; with --online also Kafka, its topics and the schema registry.

    Shows how many topics each source, and all of them, can lead to at most. With --online also lists fields and resources that
    routes name but no record on Kafka has, sources whose update times cannot be read,
    topics no longer used, the API versions in which resources arrive, and whether the tokens for reading resources work.

    Exits with 1 when a finding keeps Penstock from working; warnings alone exit with 0.
    """
    import os
    from datetime import UTC, datetime

    from config.loading import load
    from console.check.configuration import offline_findings, online_findings
    from console.check.fields import name_findings
    from console.check.reading import account_findings, reading_findings
    from console.check.renderings import rendering_findings
    from console.check.topics import selector_findings
    from console.options import configuration_path
    from console.running import surroundings

    path = configuration_path(config, data_dir)
    configuration = load(path, surroundings(data_dir, path))
    findings = offline_findings(configuration, path, os.environ, datetime.now(UTC).date(), data_dir)
    findings += selector_findings(configuration, path)
    findings += reading_findings(configuration, path, os.environ)
    if online:
        findings += online_findings(configuration, os.environ)
        findings += name_findings(configuration, path, os.environ)
        findings += rendering_findings(configuration, path, os.environ)
        findings += account_findings(configuration, path, os.environ)
    _print_json(configuration, findings) if as_json else _print(str(path), configuration, findings)
    if any(finding.level == "problem" for finding in findings):
        raise typer.Exit(1)


def _print(path: str, configuration: "Configuration", findings: "list[Finding]") -> None:
    from console.check.reachable_topics import reachable, reachable_from
    from console.screen import results

    screen = results()
    screen.line(f"{path}: {len(configuration.sources)} sources, {len(configuration.routes)} routes")
    for source in configuration.sources:
        count = len(reachable_from(source, configuration.routes).topics)
        screen.line(f"  source {source.name}: {source.provider}, {_guarded(source)}, up to {count} topics")
    for route in configuration.routes:
        selectors = [
            _selector(key, value) for key, value in route.model_dump(exclude_unset=True).items() if key != "name"
        ]
        screen.line(f"  route {route.name}: {', '.join(selectors) or 'every change'}")
    screen.line(_counted(reachable(configuration), configuration.kafka.partitions))
    styles = {"problem": "red", "warning": "yellow", "fine": "green"}
    for finding in findings:
        screen.paragraph(f"{finding.level}: {finding.text}", style=styles[finding.level])
    if not any(finding.level == "problem" for finding in findings):
        screen.line("no problems", style="green")


def _selector(key: str, value: object) -> str:
    from console.abridged import SHOWN, cut, listed

    if isinstance(value, tuple) and len(value) > SHOWN:
        return f"{key}={listed([str(part) for part in value])}"
    return cut(f"{key}={value}", SELECTOR_CHARS)


def _guarded(source: "Source") -> str:
    from console.abridged import listed

    count = len(source.secrets)
    guards = ["NOT VERIFIED"] if source.verify == "none" else [f"{count} secret{'s' if count != 1 else ''}"]
    if source.allow:
        guards.append(f"from {listed(source.allow)}")
    if source.rate_limit is not None:
        guards.append(f"at most {source.rate_limit:g}/s, {source.burst_at_once} at once")
    return ", ".join(guards)


def _counted(found: "Reachable", partitions: int) -> str:
    kinds = f"{len(found.changes)} for changes, {len(found.state)} for states, {len(found.copies)} for copies"
    each = f"{partitions} partition{'s' if partitions != 1 else ''} each"
    return f"topics: up to {len(found.topics)} in all, {each}: {kinds}, {len(found.own)} of Penstock's own"


def _print_json(configuration: "Configuration", findings: "list[Finding]") -> None:
    import json
    from dataclasses import asdict

    from console.check.reachable_topics import reachable, reachable_from
    from local.screen import output_json

    for finding in findings:
        output_json(json.dumps(asdict(finding)))
    for source in configuration.sources:
        found = reachable_from(source, configuration.routes)
        text = f"source {source.name}: up to {len(found.topics)} topics"
        output_json(json.dumps({"level": "fine", "text": text, "source": source.name, "topics": _counts(found)}))
    everything = reachable(configuration)
    text = _counted(everything, configuration.kafka.partitions)
    output_json(json.dumps({"level": "fine", "text": text, "topics": _counts(everything)}))


def _counts(found: "Reachable") -> dict[str, int]:
    parts = {"changes": found.changes, "state": found.state, "copies": found.copies, "own": found.own}
    return {name: len(topics) for name, topics in parts.items()} | {"all": len(found.topics)}
