"""`tokenweir models`: what a backend has, and what of it is loaded.

Law of this file: a list of models into lines, for people or for programs.
"""

import sys
from collections.abc import Sequence
from typing import Any

import anyio
import click

from tokenweir.cli.app import COMPLETE
from tokenweir.cli.json_lines import json_line, utf8_output
from tokenweir.cli.source_option import backend_options, source_of
from tokenweir.pipeline.models import Model, ModelState
from tokenweir.pipeline.sources.base import Source
from tokenweir.pipeline.visible import visible

_STATES: dict[ModelState, str] = {"not_loaded": "not loaded"}
_UNITS = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


@click.command(short_help="List a backend's models, and which of them are loaded.")
@backend_options
@click.option("--json", "as_json", is_flag=True, help="Print each model as one line of JSON.")
def models(*, as_json: bool, **options: Any) -> int:
    """List the models of a backend: name, state, size and context, the loaded ones first.

    The exit code is 0 for a list, 1 where the backend does not answer, 2 for wrong use and for a backend
    that cannot tell.
    """
    found = anyio.run(_listed, source_of(model=None, mode=None, **options))
    if as_json:
        utf8_output().writelines(map(json_line, found))
    elif found:
        sys.stdout.write(table(found))
    else:
        click.echo("the backend has no models", err=True)
    return COMPLETE


async def _listed(source: Source) -> list[Model]:
    async with source:
        found = await source.models()
    return sorted(found, key=lambda model: model.state not in ("loaded", "loading"))


def table(found: Sequence[Model]) -> str:
    """The models in columns. What the backend does not tell is a dash.

    >>> print(table([Model("qwen3-8b", "loaded", 5_027_783_488, 8192)]), end="")
    MODEL     STATE     SIZE  CONTEXT
    qwen3-8b  loaded  5.0 GB     8192
    """
    rows = [("MODEL", "STATE", "SIZE", "CONTEXT"), *map(_row, found)]
    name, state, size, context = (max(map(len, column)) for column in zip(*rows, strict=True))
    return "".join(
        f"{row[0]:<{name}}  {row[1]:<{state}}  {row[2]:>{size}}  {row[3]:>{context}}\n" for row in rows
    )


def _row(model: Model) -> tuple[str, str, str, str]:
    name = model.id if model.instance in (None, model.id) else f"{model.id} ({model.instance})"
    state = _STATES.get(model.state, model.state)
    if model.progress is not None:
        state += f" {model.progress * 100:.0f} %"
    context = "-" if model.context is None else str(model.context)
    return visible(" ".join(name.split())), state, _size(model.size), context


def _size(size: int | None) -> str:
    if size is None:
        return "-"
    return next((f"{size / unit:.1f} {name}" for unit, name in _UNITS if size >= unit), f"{size} B")
