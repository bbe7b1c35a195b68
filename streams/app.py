"""The Faust application: `faust -A streams.app worker` and `penstock worker` run it.

Faust's own consumer, producer and tables stay off: measured, they lose and duplicate (decision 0001). librdkafka moves the bytes
(`consumer.py`); Faust runs the agents, the services and the process.
"""

import asyncio
import os
from pathlib import Path
from typing import Any

import faust
from faust.app.base import BootStrategy
from mode import Service

from broker.memory import collect_rarely, give_back_memory
from broker.sessions import Sessions
from config.private_files import create_privately
from config.problems import ConfigurationError
from streams.agents import capture
from streams.hydrate.hydrator import hydrator_of
from streams.reconcile.reconciler import reconciler_of
from streams.reconcile.session import Setting
from streams.worker.consumer import CONFIGURATION_EXIT, DeliveryConsumer, die
from streams.worker.log import configure_log
from streams.worker.operations import Operations
from streams.worker.settings import OPERATIONS_HOST, OPERATIONS_PORT, from_environment


class WithoutKafka(BootStrategy):  # type: ignore[misc]  # Faust has no types
    """Starts the application without Faust's own Kafka clients and without its web server, which would listen everywhere."""

    enable_kafka = enable_kafka_consumer = enable_kafka_producer = enable_web = False


class PlainWorker(faust.Worker):  # type: ignore[misc]  # Faust has no types
    """The process, whose log is one JSON object a line and whose files are its owner's alone.

    Faust's own worker prints a spinner with cursor codes, into files too, and replaces the log. Its command line still prints a
    banner to standard output.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        configure_log()
        create_privately()
        super().__init__(*arguments, **{**options, "quiet": True, "override_logging": False, "redirect_stdouts": False})
        self.spinner = None

    def _on_sigterm(self) -> None:
        self._end_if_nothing_is_begun()
        super()._on_sigterm()

    def _on_sigint(self) -> None:
        self._end_if_nothing_is_begun()
        super()._on_sigint()

    def _end_if_nothing_is_begun(self) -> None:
        """End at once until the group is joined: there is nothing to finish, and a call may wait for Kafka for many seconds."""
        if self.app.source is None or not self.app.source.has_joined:
            os._exit(0)


class App(faust.App):  # type: ignore[misc]  # Faust has no types
    """A Faust application that writes nothing to the folder it is started in."""

    source: DeliveryConsumer | None = None
    """Where deliveries come from, once the application runs."""

    def _create_directories(self) -> None:
        """Make no `penstock-data` folder: Faust's tables, which it is for, are off."""


app = App("penstock", broker="kafka://127.0.0.1", topic_disable_leader=True, Worker=PlainWorker)
app.boot_strategy = WithoutKafka(app)
batches = app.channel(maxsize=4)
app.agent(batches)(capture)


@app.service
class Pump(Service):  # type: ignore[misc]  # mode has no types
    """Starts the source with what the environment says, once the application runs."""

    _hydrator: Sessions | None = None
    _reconciler: Sessions | None = None

    async def on_start(self) -> None:
        """Read the configuration, start the source, and what reads at the providers."""
        give_back_memory()
        collect_rarely()
        app.flow_control.resume()  # without Faust's own consumer nothing else opens the channels
        try:
            settings = from_environment(os.environ)
        except ConfigurationError as error:
            die(error, CONFIGURATION_EXIT)
        app.source = source = DeliveryConsumer(settings, batches, loop=self.loop)
        await self.add_runtime_dependency(
            Operations(settings, source, loop=self.loop)
        )  # first: the source waits for Kafka
        await self.add_runtime_dependency(source)
        self._hydrator = hydrator_of(
            settings.configuration, settings.kafka, settings.worker_id, os.environ, source.metrics.registry
        )
        if self._hydrator is not None:
            self._hydrator.start()
        self._reconciler = reconciler_of(
            Setting(settings.kafka, settings.configuration, settings.worker_id),
            settings.reconcile_dir,
            os.environ,
            source.metrics.registry,
        )
        if self._reconciler is not None:
            self._reconciler.start()

    async def on_stop(self) -> None:
        """End the lists and the reads."""
        if self._reconciler is not None:
            await asyncio.to_thread(self._reconciler.stop)
        if self._hydrator is not None:
            await asyncio.to_thread(self._hydrator.stop)


def run_worker(
    configuration: Path,
    worker_id: str | None,
    data_dir: Path,
    operations_host: str | None = None,
    operations_port: int | None = None,
) -> None:
    """Run one worker until a signal stops it; ends the process. What is None is as the configuration says.

    Raises `ConfigurationError` before anything is started, with every problem of the file.
    """
    os.environ["PENSTOCK_CONFIG"] = str(configuration)
    os.environ["PENSTOCK_DATA_DIR"] = str(data_dir)
    if worker_id:
        os.environ["PENSTOCK_WORKER_ID"] = worker_id
    if operations_host is not None:
        os.environ[OPERATIONS_HOST] = operations_host
    if operations_port is not None:
        os.environ[OPERATIONS_PORT] = str(operations_port)
    from_environment(os.environ)
    app.finalize()
    PlainWorker(app).execute_from_commandline()
