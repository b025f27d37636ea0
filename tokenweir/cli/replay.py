"""`tokenweir replay`: a recording on the terminal, or as a server that any client can ask.

Law of this file: the command line into values. How a recording is played stands in
pipeline/sources/playback.py, how it is served in tokenweir/record/server.py.
"""

from pathlib import Path
from typing import Any, Literal

import anyio
import click
import structlog
from anyio.abc import TaskStatus
from msgspec import structs

from tokenweir.cli.app import COMPLETE, INCOMPLETE
from tokenweir.cli.ask import Ways, ask
from tokenweir.cli.recognise import recognise
from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.recording import is_recording
from tokenweir.pipeline.sources.replay import Replay

_BYTES = click.IntRange(min=0)


class _Split(click.ParamType[Any]):
    name = "split"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | Literal["recorded"]:
        """A number of bytes, or the word."""
        if value == "recorded":
            return "recorded"
        if not str(value).isdecimal() or int(value) < 1:
            self.fail(f"{value!r}: 'recorded', or bytes at a time, at least 1", param, ctx)
        return int(value)


@click.command(short_help="Play a recording: on the terminal, or as a server.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help="Serve it there instead (0: on a free port): a POST to any path gets the recorded answer.",
)
@click.option(
    "--speed",
    type=float,
    default=1.0,
    show_default=True,
    metavar="X",
    help="1 is as recorded, 2 twice as fast; 0 and inf are all at once.",
)
@click.option(
    "--split",
    type=_Split(),
    default="recorded",
    show_default=True,
    metavar="N|recorded",
    help="N bytes at a time, or as the network had split them.",
)
@click.option("--cut", type=_BYTES, metavar="N", help="The connection breaks after N bytes.")
@click.option("--stall-after", type=_BYTES, metavar="N", help="After N bytes, silence for ever.")
@click.option("--drop-done", is_flag=True, help="The end marker ([DONE]) never comes.")
@click.option("--error-frame", is_flag=True, help="Half way, the backend says that it failed.")
@click.option("--json", "as_json", is_flag=True, help="Print each event as one line of JSON.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def replay(file: Path, *, port: int | None, as_json: bool, **options: Any) -> int:
    """Play FILE, made by `record`, as its backend sent it. The bare bytes of a response body can be
    played too: all at once, where their protocol is recognised.

    The exit code is 0 for a complete answer, 1 for any other end, 2 for wrong use or a damaged recording.
    """
    source = Replay(file, protocol=_protocol_of(file), **options)
    if port is None:
        ways = Ways(source, as_json=as_json)
        complete = anyio.run(ask, ways, ways.pipeline(), "replay", (), Assembly())
        return COMPLETE if complete else INCOMPLETE
    if as_json:
        raise click.UsageError("--json is for the terminal: with --port, clients get the recorded bytes")
    return _serve(source, port)


def _protocol_of(file: Path) -> str | None:
    """What bare bytes speak; None for a recording, which says it itself."""
    data = file.read_bytes()
    if is_recording(data):
        return None
    found = recognise(data)
    if found is None:
        shown = click.format_filename(file)
        raise click.UsageError(f"{shown} is no recording, and no protocol is recognised in it")
    return found


def _serve(source: Replay, port: int) -> int:
    from tokenweir.cli.serving import (  # noqa: PLC0415 - a replay on the terminal needs no server
        HOST,
        log_to_stderr,
        serve_until_told,
    )
    from tokenweir.record.server import Answered, ReplayServer  # noqa: PLC0415 - as above

    log = structlog.stdlib.get_logger("tokenweir.replay")

    def told(answer: Answered) -> None:
        log.info("replay.request", **structs.asdict(answer))

    async def serve(*, task_status: TaskStatus[str]) -> None:
        async with ReplayServer(source.exchanges, HOST, port, on_answer=told) as server:
            task_status.started(server.url)
            await anyio.sleep_forever()

    def hello(url: str) -> str:
        path = source.exchanges[-1].path or "/"
        return f"a recording of {source.protocol} at {url} until Ctrl-C. Try:\n  curl -sN {url}{path} -d {{}}"

    log_to_stderr()
    return anyio.run(serve_until_told, serve, port, hello)
