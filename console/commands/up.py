"""`penstock up`: everything on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from console.options import CONFIGURATION, DATA_DIR, DataDirOption


def up(
    data_dir: DataDirOption = DATA_DIR,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where deliveries are posted; 0 for any free.")] = 8080,
    kafka_port: Annotated[int, typer.Option(min=0, max=65535, help="Kafka's; 0 for any free.")] = 9092,
    registry_port: Annotated[int, typer.Option(min=0, max=65535, help="The registry's; 0 for any free.")] = 8081,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            "-c",
            envvar="PENSTOCK_CONFIG",
            help="Sources and routes; default ./penstock.toml if there is one, else a demo made in --data-dir.",
            show_default=False,
        ),
    ] = None,
    sample: Annotated[
        bool, typer.Option("--sample", help="Use the demo, and post sample deliveries of every provider to it.")
    ] = False,
) -> None:
    """Start a real Kafka, a schema registry, the ingress and a worker here; Ctrl-C stops them all.

    What they keep is in --data-dir and is there again at the next start. Nothing listens on other addresses than 127.0.0.1.
    """
    from console.demo import demo_configuration
    from console.sample import send_sample
    from local.stack import Options
    from local.stack import up as run

    chosen = _configuration(config, sample)
    options = Options(data_dir, port, kafka_port, registry_port, chosen, sample)
    raise typer.Exit(run(options, demo_configuration=demo_configuration, after_ready=send_sample))


def _configuration(config: Path | None, is_sample: bool) -> Path | None:
    """Return the configuration that is meant, with every problem said before anything starts; None for the demo."""
    import os
    from datetime import UTC, datetime

    from console.checks import offline_findings
    from console.faults import Misused
    from schemas.configuration import load

    if is_sample and config is not None:
        raise typer.BadParameter("--sample posts to the demo's sources; leave --config out")
    path = config or (CONFIGURATION if CONFIGURATION.is_file() and not is_sample else None)
    if path is None:
        return None
    findings = offline_findings(load(path, os.environ), path, os.environ, datetime.now(UTC).date())
    problems = [finding.text for finding in findings if finding.level == "problem"]
    if problems:
        raise Misused("\n".join(problems))
    return path
