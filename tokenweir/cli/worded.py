"""What the library says to people who write Python, said to those who type a command.

Law of this file: pure rules, in a table; the names of arguments become those of options, where the command
has them. The library's own messages stay what is right for its own users.
"""

import re
from collections.abc import Collection

import click

_PROVIDER, _MODEL, _KEY, _URL = "provider", "model", "api_key_env", "url"
_WORDS: tuple[tuple[str, str, str], ...] = (
    (_MODEL, r"connect\('[^']*', model='\.\.\.'\)", "--model M"),
    (_MODEL, r"\bmodel=(?=\s|$)", "--model M"),
    (_PROVIDER, r"connect\('([^']*)'(?:, \.\.\.)?\)", r"--provider \1"),
    (_KEY, r"\bapi_key=\.\.\.", "--api-key-env VAR"),
    (_KEY, r"(?<!')\bapi_key\b", "the key"),
    (_KEY, r"Allow more with (?=Deadlines\()", "More is allowed from Python: "),
    ("base_url", r"(?<!')\bbase_url=", "--base-url "),
    ("base_url", r"(?<!')\bbase_url\b", "--base-url"),
    ("fault", r"\bfault=", "--fault "),
    ("load_seconds", r"\bload_seconds=", "--load-seconds "),
    ("load_seconds", r"\bload_seconds\b", "--load-seconds"),
    ("models", r"\bmodels=\(.*?\):", "--model:"),
    (_URL, r"(?<!')\bbase_url=", "URL "),
    (_URL, r"(?<!')\bbase_url\b", "URL"),
)
"""What a command must have, what the library says, and what is said in its place."""


def worded(message: str, has: Collection[str]) -> str:
    """The message to one who typed a command that `has` these parameters.

    >>> worded("ollama needs a model: connect('ollama', model='...')", ["provider", "model"])
    'ollama needs a model: --model M'
    """
    for needed, said, instead in _WORDS:
        if needed in has:
            message = re.sub(said, instead, message)
    return message


def here(message: str) -> str:
    """The message to one who typed the command that runs now; as it is where none does."""
    context = click.get_current_context(silent=True)
    return message if context is None else worded(message, parameters(context.command))


def parameters(command: click.Command | None) -> list[str]:
    """The names of a command's parameters."""
    return [] if command is None else [one.name for one in command.params if one.name]
