"""`tokenweir simulate`: the simulator as a server of its own, to try a client against.

Law of this file: options to quirks, and what is said at the start.
"""

import json
import shlex
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, get_args

import anyio
import click

from tokenweir.cli.serving import HOST, log_to_stderr, serve_until_told
from tokenweir.simulator.quirks import FAULTS, Provider, Quirks
from tokenweir.simulator.serve import serve
from tokenweir.simulator.text import script_of

_HELLO = {"messages": [{"role": "user", "content": "Hello"}]}
_OPENAI = ("/v1", "/chat/completions", {"stream": True})
_TRIED: Mapping[Provider, tuple[str, str, Mapping[str, Any]]] = {
    "ollama": ("", "/api/chat", {"model": None}),
    "anthropic": ("/v1", "/messages", {"model": None, "max_tokens": 99, "stream": True}),
}
"""Below which address and by which path each is asked, and by what; None is a model's name."""
_SECONDS = click.FloatRange(min=0)
_POSITIVE = click.FloatRange(min=0, min_open=True)
_FAULTS = "Faults:\n\n\b\n" + "\n".join(f"{name:20}{what}" for name, what in FAULTS.items())


@click.command(short_help="Be a backend without a model, with chosen quirks and faults.", epilog=_FAULTS)
@click.option(
    "--provider",
    type=click.Choice(get_args(Provider)),
    default="lmstudio",
    show_default=True,
    help="Whose ways.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="N",
    help="Where to listen. By default, on a free one.",
)
@click.option("--cumulative", is_flag=True, help="Each chunk has all the text so far.")
@click.option("--final-repeat", is_flag=True, help="One last chunk repeats the whole text.")
@click.option(
    "--load-seconds",
    type=_SECONDS,
    default=0.0,
    metavar="S",
    help="The first request waits for a model to load.",
)
@click.option(
    "--keep-alive", type=_POSITIVE, metavar="S", help="Comments while it loads, one every S seconds."
)
@click.option(
    "--rate", type=_POSITIVE, metavar="R", help="Tokens per second. By default, as fast as possible."
)
@click.option("--byte-split", is_flag=True, help="Every byte is a write of its own.")
@click.option("--ignore-cancel", is_flag=True, help="Generate on for clients that have left; others wait.")
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME",
    help="A model's name; may be repeated. One serves any name, of several an unknown one is 404.",
)
@click.option(
    "--text",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="What it says.",
)
@click.option("--fault", metavar="NAME", help="What goes wrong: a name from the list below.")
def simulate(port: int, text: Path | None, models: tuple[str, ...], **switches: Any) -> int:
    """Serve simulated answers at 127.0.0.1 until Ctrl-C."""
    if models:
        switches["models"] = models
    if text is not None:
        switches["script"] = script_of(_read(text))
    quirks = Quirks(**switches)
    log_to_stderr()
    return anyio.run(_serve, quirks, port)


def _read(text: Path) -> str:
    try:
        return text.read_text("utf-8")
    except UnicodeDecodeError as bad:
        raise click.UsageError(f"--text {text}: it is not UTF-8: {bad}") from None


async def _serve(quirks: Quirks, port: int) -> int:
    def hello(url: str) -> str:
        base, path, ways = _TRIED.get(quirks.provider, _OPENAI)
        named = {name: quirks.models[0] if value is None else value for name, value in ways.items()}
        body = shlex.quote(json.dumps(named | _HELLO, ensure_ascii=False))
        said = f"{quirks.provider}, simulated, at {url}{base} until Ctrl-C. Try:"
        return f"{said}\n  curl -sN {url}{base}{path} -d {body}"

    return await serve_until_told(partial(serve, quirks, HOST, port), port, hello)
