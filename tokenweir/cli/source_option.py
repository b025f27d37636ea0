"""Who is asked, and what: the options and the prompt that `chat` and `record` share.

Law of this file: the command line into a source and a text; what is done with them belongs to the
commands.
"""

import os
import sys
from collections.abc import Callable
from functools import reduce
from typing import Any, get_args

import click

from tokenweir.pipeline.sources.base import Source
from tokenweir.pipeline.sources.connect import SOURCES, connect
from tokenweir.stages.cumulative_detect import Mode

Command = Callable[..., Any]

_BACKEND = (
    click.option("--provider", metavar="P", help=f"Who answers: {', '.join(sorted(SOURCES))}."),
    click.option(
        "--base-url", metavar="U", help="The backend's address, where it is not the provider's usual one."
    ),
    click.option("--api-key-env", metavar="VAR", help="The environment variable that holds the key."),
)
_OPTIONS = (
    *_BACKEND[:2],
    click.option("--model", metavar="M", help="The model's name, as the backend knows it."),
    *_BACKEND[2:],
    click.option("--mode", type=click.Choice(get_args(Mode)), help="What the backend's chunks hold."),
)


def backend_options(command: Command) -> Command:
    """A command with the options that say which backend is meant."""
    return reduce(lambda made, option: option(made), reversed(_BACKEND), command)


def source_options(command: Command) -> Command:
    """A command with the options that `source_of` takes."""
    return reduce(lambda made, option: option(made), reversed(_OPTIONS), command)


def source_of(
    *,
    provider: str | None,
    base_url: str | None,
    model: str | None,
    api_key_env: str | None,
    mode: Mode | None,
) -> Source:
    """The source that the options name; what was not given is left to it. Raises MisuseError."""
    if provider is None:
        raise click.UsageError(f"--provider is needed; it is one of {', '.join(sorted(SOURCES))}")
    if api_key_env is not None and not os.environ.get(api_key_env):
        raise click.UsageError(
            f"--api-key-env {api_key_env}: there is no such environment variable, or it is empty"
        )
    given = {"model": model, "mode": mode, "api_key": api_key_env and os.environ[api_key_env]}
    return connect(provider, base_url, **{name: value for name, value in given.items() if value is not None})


def prompt_of(prompt: str) -> str:
    """The prompt; `-` is what standard input says."""
    if prompt != "-":
        return prompt
    try:
        return sys.stdin.read()
    except UnicodeDecodeError as bad:
        raise click.UsageError(f"standard input is no text: {bad}") from None
