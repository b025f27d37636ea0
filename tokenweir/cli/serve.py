"""`tokenweir serve`: the gateway, in front of any backend, until it is told to stop.

Law of this file: options and signals into calls; what the gateway is and does stands in tokenweir/gateway/.
"""

import os
import signal
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import anyio
import click
from anyio.abc import TaskStatus
from msgspec.structs import replace

from tokenweir.cli.app import COMPLETE, INTERRUPTED, Failed, WrongUse
from tokenweir.config.discover import find_backends
from tokenweir.config.read import ConfigError, Loaded, read_config
from tokenweir.config.schema import Config
from tokenweir.config.shown import print_config
from tokenweir.gateway.greeting import greeting
from tokenweir.gateway.log import configure_log, log_life, log_trouble
from tokenweir.gateway.server import Server
from tokenweir.pipeline.visible import visible

_SIGNALS = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if os.name == "posix" else [])]
_PORTS = click.IntRange(1, 65535)


@click.command(short_help="Serve any backend as one OpenAI-compatible address.")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="YAML. Without one, local servers are looked for.",
)
@click.option("--host", metavar="HOST", help="Where to listen. By default 127.0.0.1.")
@click.option("--port", type=_PORTS, metavar="N", help="By default 3000.")
@click.option("--check", is_flag=True, help="Only say whether the configuration is right.")
@click.option("--print-config", "shown", is_flag=True, help="Only show the configuration, without secrets.")
def serve(*, config: Path | None, host: str | None, port: int | None, check: bool, shown: bool) -> int:
    """Serve backends at one address, as FILE and the environment say.

    SIGTERM and Ctrl-C let the answers under way come to their end, a second one ends them at once; SIGHUP
    reads FILE again.
    """

    def read() -> Loaded:
        return read_config(config, flags={"server.host": host, "server.port": port})

    try:
        loaded = read()
    except ConfigError as wrong:
        raise _Unreadable(wrong) from None
    if shown:
        click.echo(print_config(loaded), nl=False)
        return COMPLETE
    if check:
        for warning in loaded.warnings:
            click.echo(warning, err=True)
        click.echo(f"{loaded.source}: it is right")
        return COMPLETE
    configure_log(loaded.config.server.log)
    fast = find_spec("uvloop") is not None
    return anyio.run(_serve, loaded, read, backend_options={"use_uvloop": fast})


class _Unreadable(WrongUse):
    """Every problem on a line of its own."""

    def __init__(self, wrong: ConfigError) -> None:
        super().__init__(str(wrong))
        self._problems = wrong.problems

    def format_message(self) -> str:
        """What stands behind `Error: `."""
        return "\n".join(map(visible, self._problems))


async def _serve(loaded: Loaded, read: Callable[[], Loaded]) -> int:
    said = loaded.source
    found = Config()
    if not loaded.config.all_backends():
        found, said = await find_backends()
    loaded = _with(found, loaded)
    for warning in loaded.warnings:
        log_trouble("config_warning", warning=warning)
    server = Server(loaded)
    try:
        async with server:
            code = await _until_told(server, said, lambda: _with(found, read()))
    except OSError as taken:
        address = f"{loaded.config.server.host}:{loaded.config.server.port}"
        why = os.strerror(taken.errno) if taken.errno else str(taken)
        raise Failed(f"cannot listen at {address}: {why} (--port takes another)") from None
    log_life("stopped")
    return code


def _with(found: Config, loaded: Loaded) -> Loaded:
    """The backends that were found stand in for those that nobody configured, after SIGHUP too."""
    if loaded.config.all_backends():
        return loaded
    return replace(loaded, config=replace(loaded.config, backends=found.backends))


async def _until_told(server: Server, said: str, read: Callable[[], Loaded]) -> int:
    """Serve until a signal says to stop, and drain; the exit code."""
    signals = _Signals(server, read)
    async with anyio.create_task_group() as tasks:
        await tasks.start(signals.hear)
        click.echo(await greeting(server, said))
        log_life("serving", url=server.url, backends=list(server.gateway.setup.backends))
        await signals.stop.wait()
        await server.drain()
        tasks.cancel_scope.cancel()
    return signals.code


class _Signals:
    """What SIGTERM, SIGINT and SIGHUP do. The second one to stop is in a hurry."""

    def __init__(self, server: Server, read: Callable[[], Loaded]) -> None:
        self.stop = anyio.Event()
        self.code = COMPLETE
        self._server = server
        self._read = read

    async def hear(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Hear them, until cancelled."""
        with anyio.open_signal_receiver(*_SIGNALS) as signals:
            task_status.started()
            async for number in signals:
                if number not in (signal.SIGINT, signal.SIGTERM):
                    self._server.reload(self._read)
                elif self.stop.is_set():
                    self._server.hurry()
                else:
                    self.code = INTERRUPTED if number == signal.SIGINT else COMPLETE
                    self.stop.set()
