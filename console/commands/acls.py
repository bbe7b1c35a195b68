"""`penstock acls`: the rights on Kafka that each process needs, as commands or as JSON."""

from typing import TYPE_CHECKING, Annotated

import typer

from console.options import DATA_DIR, ConfigOption, DataDirOption, JsonOption

if TYPE_CHECKING:
    from console.check.acls import NewTopic, Process, Right

Needs = list[tuple["Process", str, "list[Right]"]]


def acls(
    processes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PROCESS]...",
            help="ingress, worker, load, rebuild (of the warehouse), tail, explain, state, replay, dead, pending, "
            "check (--online); without any: ingress and worker.",
            show_default=False,
        ),
    ] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = DATA_DIR,
    principal: Annotated[
        str | None,
        typer.Option(help="The principal; default User:penstock-PROCESS.", show_default=False),
    ] = None,
    topics_exist: Annotated[
        bool,
        typer.Option(
            "--topics-exist", help="An administrator creates the topics: print those commands, and fewer rights."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the rights that each process needs, as commands for kafka-acls.sh; nothing is queried or changed.

    `penstock spool`, `send`, `verify` and `try-filter` need no Kafka.
    """
    from console.check.acls import PROCESSES, new_topics, rights
    from console.errors import Misused
    from console.options import load_configuration

    unknown = [name for name in processes or () if name not in PROCESSES]
    if unknown:
        raise Misused(f"no process that needs Kafka is called {unknown[0]!r}; there are {', '.join(PROCESSES)}")
    configuration = load_configuration(config, data_dir)
    wanted = [name for name in PROCESSES if name in (processes or ("ingress", "worker"))]
    needs = [
        (name, principal or f"User:penstock-{name}", rights(configuration, name, has_topics=topics_exist))
        for name in wanted
    ]
    topics = new_topics(configuration) if topics_exist else []
    _print_json(topics, needs) if as_json else _print(topics, needs, configuration.kafka.bootstrap_servers)


def _print(topics: "list[NewTopic]", needs: Needs, bootstrap_servers: str) -> None:
    from console.check.acls import acl_commands, topic_command
    from local.screen import output

    for topic in topics:
        output(topic_command(topic, bootstrap_servers))
    for name, principal, needed in needs:
        output(f"# {name}")
        for line in acl_commands(needed, principal, bootstrap_servers):
            output(line)


def _print_json(topics: "list[NewTopic]", needs: Needs) -> None:
    import json

    from msgspec import to_builtins

    from local.screen import output_json

    for topic in topics:
        output_json(json.dumps({"topic": to_builtins(topic)}))
    for name, principal, needed in needs:
        for right in needed:
            output_json(json.dumps({"process": name, "principal": principal, **to_builtins(right)}))
