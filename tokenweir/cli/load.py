"""`tokenweir load`: have a backend load a model, or unload it, and see how far it is.

Law of this file: the command line into one call; what a load is stands with the sources.
"""

import sys
from contextlib import nullcontext
from typing import Any

import anyio
import click
from rich.console import Console

from tokenweir.cli.app import COMPLETE
from tokenweir.cli.source_option import backend_options, source_of
from tokenweir.cli.status import Status
from tokenweir.pipeline.clock import running_clock
from tokenweir.pipeline.sources.base import Source
from tokenweir.pipeline.visible import visible


@click.command(short_help="Load a model, or unload it.")
@backend_options
@click.option("--unload", is_flag=True, help="Unload it instead.")
@click.argument("model")
def load(*, model: str, unload: bool, **options: Any) -> int:
    """Load MODEL, which may be a part of its name, and wait until it is loaded.

    The exit code is 0 when it is loaded (or unloaded), 1 where that fails, 2 for wrong use and for a
    backend that cannot be told to.
    """
    source = source_of(model=None, mode=None, **options)
    said = anyio.run(_unload if unload else _load, source, model)
    click.echo(visible(" ".join(said.split())))
    return COMPLETE


async def _load(source: Source, model: str) -> str:
    """What was done, in one line."""
    clock = running_clock()
    began = clock()
    async with source:
        with _status() as status:
            async for phase in source.load(model):
                if status is not None:
                    status.see([phase])
        name = (await source.model_status(model)).id
    return f"{name} is loaded ({clock() - began:.1f} s)"


async def _unload(source: Source, model: str) -> str:
    async with source:
        chosen = await source.model_status(model)
        await source.unload(model)
    return f"{model if model == chosen.instance else chosen.id} is unloaded"


def _status() -> Status | nullcontext[None]:
    """A status line on standard error, if that is a terminal that can redraw it."""
    console = Console(stderr=True)
    if not sys.stderr.isatty() or console.is_dumb_terminal:
        return nullcontext()
    return Status(console, shared=False)
