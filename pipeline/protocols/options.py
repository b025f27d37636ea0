"""A request's options, by OpenAI's names, for wires that know fewer of them.

Law of this file: pure; what an option asks for, and whether it asks for anything. What has no form on a
wire is refused by name, and not left out in silence; only what asks for nothing (`n=1`,
`tool_choice="auto"`) goes without a word.
"""

from collections.abc import Collection, Mapping
from typing import Any

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.json_value import as_object

BESIDE = frozenset(
    {"stream_options", "user", "metadata", "service_tier", "parallel_tool_calls", "safety_identifier"}
) | {"prompt_cache_key"}
"""What OpenAI's service keeps about a request, or how it is told: a local server has nobody to keep it."""

TOOLS = frozenset({"tools", "tool_choice", "functions", "function_call"})
"""What asks for calls that the client runs."""

_NOTHING: tuple[object, ...] = ("", [], {}, (), "auto", "none", {"type": "text"})
_PENALTIES = frozenset({"presence_penalty", "frequency_penalty"})


def asked(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given; None is as good as none.

    >>> asked({"seed": None, "temperature": 0})
    {'temperature': 0}
    """
    return {name: value for name, value in options.items() if value is not None}


def refuse(options: Mapping[str, Any], names: Collection[str], who: str, instead: str) -> None:
    """Raise MisuseError where one of `names` asks for something. `who` has no form for it, and `instead`
    is what can be done.

    >>> refuse({"tools": [], "n": 1}, TOOLS, "it", "ask another")
    """
    for name, value in options.items():
        if name in names and asks_something(name, value):
            msg = f"{name}={value!r:.60}: {who} has no form for it: {instead}"
            raise MisuseError(msg)


def asks_something(name: str, value: object) -> bool:
    """Whether an option with this value asks for anything.

    >>> asks_something("store", False), asks_something("tools", []), asks_something("seed", 0)
    (False, False, True)
    """
    return not (value is False or value in _NOTHING or (value == 0 and name in _PENALTIES))


def refuse_choices(options: Mapping[str, Any], who: str) -> None:
    """Raise MisuseError where `n` asks for more than one choice."""
    if options.get("n", 1) != 1:
        msg = f"n={options['n']!r}: {who} gives one choice; ask once for each"
        raise MisuseError(msg)


def schema_of(options: Mapping[str, Any], who: str) -> Mapping[str, Any] | None:
    """The JSON schema that `response_format` asks for: an empty one for any JSON, None for text.

    Raises MisuseError for a format of another kind.

    >>> schema_of({"response_format": {"type": "json_object"}}, "it")
    {}
    """
    wanted = options.get("response_format", {"type": "text"})
    kind, schema = as_object(wanted).get("type"), as_object(as_object(wanted).get("json_schema"))
    if kind == "text":
        return None
    if kind == "json_object":
        return {}
    if kind == "json_schema" and isinstance(schema.get("schema"), dict):
        return as_object(schema["schema"])
    msg = f"response_format={wanted!r:.80}: {who} has text, json_object and json_schema"
    raise MisuseError(msg)


def prompt_of(messages: Collection[Mapping[str, Any]], who: str, instead: str) -> Mapping[str, Any]:
    """The one message of a wire that completes a prompt and knows no roles.

    Raises MisuseError for anything but one user message.
    """
    roles = [message["role"] for message in messages]
    if roles != ["user"]:
        msg = f"{who} takes one prompt (one user message), not {', '.join(roles):.60}: {instead}"
        raise MisuseError(msg)
    return next(iter(messages))
