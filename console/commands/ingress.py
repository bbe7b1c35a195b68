"""`penstock ingress`: run the service that receives deliveries."""

from pathlib import Path
from typing import Annotated

import typer

from console.errors import Misused
from console.options import DATA_DIR, ConfigOption, DataDirOption

WORKERS_ARE_GONE = (
    "--workers (PENSTOCK_INGRESS_WORKERS) no longer exists: start `penstock ingress --reuse-port` once for each process that "
    "serves the port, each with its own --data-dir and --operations-port (docs/operations.md, Several instances)"
)


def _refuse_workers(given: str | None) -> None:
    if given is not None:
        raise Misused(WORKERS_ARE_GONE)


def ingress(
    host: Annotated[str, typer.Option(help="The address to listen on; 0.0.0.0 for every network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 for any that is free.")] = 8080,
    shares_port: Annotated[
        bool,
        typer.Option(
            "--reuse-port",
            envvar="PENSTOCK_INGRESS_REUSE_PORT",
            help="Share --port with other instances; each has a --data-dir and an --operations-port of its own.",
        ),
    ] = False,
    operations_host: Annotated[
        str,
        typer.Option(
            envvar="PENSTOCK_INGRESS_OPERATIONS_HOST",
            help="Where /metrics, /healthz and /readyz are served; in a container 0.0.0.0.",
        ),
    ] = "127.0.0.1",
    operations_port: Annotated[
        int,
        typer.Option(min=0, max=65535, envvar="PENSTOCK_INGRESS_OPERATIONS_PORT", help="Their port; 0 for any free."),
    ] = 9464,
    certfile: Annotated[
        Path | None,
        typer.Option(help="Serve HTTPS with this certificate and its chain (PEM); over [ingress] tls_certificate."),
    ] = None,
    keyfile: Annotated[
        Path | None, typer.Option(help="The certificate's key (PEM), if it is not in the same file.")
    ] = None,
    is_plain: Annotated[
        bool, typer.Option("--plain", help="Serve HTTP although [ingress] names a certificate.")
    ] = False,
    lame_duck: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=300,
            metavar="SECONDS",
            envvar="PENSTOCK_INGRESS_LAME_DUCK",
            help="Seconds to keep serving after SIGTERM while /readyz is 503; default [ingress] lame_duck_s, 0.",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
    _workers: Annotated[
        str | None,
        typer.Option("--workers", envvar="PENSTOCK_INGRESS_WORKERS", hidden=True, callback=_refuse_workers),
    ] = None,
) -> None:
    """Receive deliveries, verify them and publish them to Kafka, until told to stop.

    The port serves /v1/ alone; operators use the operations port.

    Changes of [[sources]] and of secrets in files take effect without a restart, within seconds or on SIGHUP.
    SIGTERM and SIGINT end it with 0: at once while it starts, else once every accepted request is answered. Further exit
    codes: 1 the Kafka producer died, or the spool in --data-dir cannot be used; 3 another process has a port, or the spool;
    130 a second signal.
    """
    from config.loading import load
    from console.options import configuration_path
    from console.running import surroundings
    from ingress.config_reload import ConfigurationFile
    from ingress.serve import serve
    from ingress.server.listeners import Listen
    from ingress.server.tls import tls_files

    if shares_port:
        _assert_port_can_be_shared(port)
    path = configuration_path(config, data_dir)
    file = ConfigurationFile(path, surroundings(data_dir, path))
    configuration = load(path, file.environ)
    spools = data_dir / "spool"
    tls = None if is_plain else tls_files(configuration, certfile, keyfile)
    lame_duck_s = configuration.ingress.lame_duck_s if lame_duck is None else lame_duck
    listen = Listen(host, port, tls, operations_host, operations_port, lame_duck_s, shares_port)
    raise typer.Exit(serve(configuration, listen, spools, file))


def _assert_port_can_be_shared(port: int) -> None:
    import socket

    if not hasattr(socket, "SO_REUSEPORT"):
        raise Misused("--reuse-port needs SO_REUSEPORT, which this system does not have; start one ingress without it")
    if port == 0:
        raise Misused("--reuse-port needs a --port that all instances know; expected 1 to 65535, got 0")
