"""`tokenweir demo`: what the library is for, on this machine, in ten seconds.

Law of this file: the play, in three acts and a verdict. All of it is real: servers, sockets, bytes,
and the comparison at the end. A terminal gets the speed of reading, everything else hardly waits.
"""

import sys

import anyio
import click
from msgspec import Struct
from rich.console import Console

from tokenweir.cli.app import COMPLETE, INCOMPLETE
from tokenweir.cli.audience import Audience, Sample
from tokenweir.cli.meaning import meaning
from tokenweir.cli.naive import naive_client
from tokenweir.cli.report import stats_line
from tokenweir.pipeline.events import Event
from tokenweir.pipeline.run import Pipeline
from tokenweir.pipeline.sources.base import Source
from tokenweir.pipeline.sources.connect import connect
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator
from tokenweir.simulator.text import FOUNDING
from tokenweir.stages import token_count

PROMPT = "Who are you and what can you do for me?"


class Pace(Struct, frozen=True):
    """How long the model loads (seconds), and how fast it speaks (tokens per second)."""

    load_seconds: float
    rate: float


READING = Pace(2.2, 40.0)
HASTE = Pace(1.2, 250.0)
"""Loading still takes longer than the second after which waiting is told."""


class Page(Console):
    """A console whose reader may leave without a word, as everybody else's may."""

    def on_broken_pipe(self) -> None:
        """Let the BrokenPipeError through that is being handled; rich would exit with 1."""
        raise  # noqa: PLE0704 - called within an `except`


@click.command(short_help="See what tokenweir does, on a simulated backend.")
def demo() -> int:
    """Play one answer three times: a naive client, tokenweir on the same backend, tokenweir on another.

    Nothing is needed but this machine. The exit code is 1 if the last two do not mean the same.
    """
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")  # a tick that the encoding lacks must not end the play
    console = Page(highlight=False, soft_wrap=True)
    return anyio.run(play, console, READING if sys.stdout.isatty() else HASTE)


async def play(console: Console, pace: Pace) -> int:
    """All of it; the exit code."""
    cold = Quirks(
        provider="lmstudio", script=FOUNDING, cumulative=True, load_seconds=pace.load_seconds, rate=pace.rate
    )
    plain = Quirks(provider="openai", script=FOUNDING, rate=pace.rate)
    console.print("The backends are simulated; the sockets and the bytes are real.", style="dim")
    async with Simulator(cold) as resending, Simulator(plain) as sending_deltas:
        _head(
            console,
            1,
            "A naive client",
            "a cold backend that resends everything with each chunk",
        )
        await _naive(console, resending)
        resending.unload()
        _head(console, 2, "tokenweir", "the same backend, cold again")
        one = await _clean(console, connect("lmstudio", f"{resending.url}/v1"))
        _head(console, 3, "tokenweir", "the same answer from one that sends only what is new")
        other = await _clean(console, connect("openai", f"{sending_deltas.url}/v1", model="simulated-model"))
    return verdict(console, one, other)


def _head(console: Console, number: int, who: str, what: str) -> None:
    console.print(f"\n[bold]{number}  {who}[/bold]  [dim]{what}[/dim]")


async def _naive(console: Console, backend: Simulator) -> None:
    sample = Sample(console)
    await naive_client(f"{backend.url}/v1", PROMPT, sample.show)
    sample.end(len(FOUNDING.text))


async def _clean(console: Console, source: Source) -> list[Event]:
    """One answer through tokenweir, shown; its events."""
    async with source:
        with Audience(console) as audience:
            report = await Pipeline(source, token_count()).run(PROMPT, into=audience)
    console.print(stats_line(report.usage, report.end.stats), style="cyan")
    return audience.events


def verdict(console: Console, one: list[Event], other: list[Event]) -> int:
    """Compare what two event streams mean, and say so; the exit code."""
    said, also = meaning(one), meaning(other)
    if said == also:
        console.print("\n[bold green]✓ Both event streams mean the same[/bold green]")
        console.print(
            f"({len(one)} events, and {len(other)}: ids, timing, phases and chunk cuts aside)", style="dim"
        )
        console.print('\nYour backend: tokenweir chat --provider lmstudio "Hello"', markup=False)
        return COMPLETE
    console.print("\n[bold red]✗ The event streams do not mean the same[/bold red]:")
    for event in said:
        if event not in also:
            console.print(f"  only the first:  {event}", markup=False)
    for event in also:
        if event not in said:
            console.print(f"  only the second: {event}", markup=False)
    return INCOMPLETE
