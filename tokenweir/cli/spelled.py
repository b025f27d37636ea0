r"""A call of a factory, spelled on a command line: `name:option=value,option=value`.

Law of this file: pure; text and a signature in, a call out. A backslash before `,`, `|` or `\` takes
that character as it is; every other character stands for itself. What an option's text is turned into,
the factory's annotation says; what no text can say (a function, a connection) is answered so.
"""

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial
from inspect import BoundArguments, Parameter, signature
from typing import Any

import msgspec
from msgspec import Struct

from tokenweir.cli.value_kinds import Kind, kind_of
from tokenweir.pipeline.errors import MisuseError

_VARIADIC = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


class Spelled(Struct, frozen=True):
    """A name and the options given to it; `whole` is how it was written, for messages."""

    whole: str
    name: str
    options: Mapping[str, str]


def read(whole: str) -> Spelled:
    r"""Take a spelling apart. Values stay as they were written.

    Raises MisuseError where an option has no value, or comes twice.

    >>> read(r"stop_at:sequences=a\,b|c,choices=2").options
    {'sequences': 'a\\,b|c', 'choices': '2'}
    """
    name, _, rest = whole.partition(":")
    options: dict[str, str] = {}
    for given in _split(rest, ","):
        option, equals, value = given.partition("=")
        if not equals or not option:
            raise MisuseError(f"{whole}: {given!r} is no option: write {name}:OPTION=VALUE[,OPTION=VALUE]")
        if option in options:
            raise MisuseError(f"{whole}: {option} is given twice; several values are written a|b")
        options[option] = value
    return Spelled(whole, name, options)


def bind(factory: Callable[..., Any], spelled: Spelled) -> Callable[..., Any]:
    """The factory's call with these options. Calling it raises what the factory raises.

    Raises MisuseError for an option that the factory does not have or that no text can say, for a value
    that does not fit, and where one is missing that is needed.
    """
    try:
        own = signature(factory)
    except (TypeError, ValueError, NameError) as hidden:
        raise MisuseError(f"{spelled.whole}: the options of {spelled.name} are hidden: {hidden}") from None
    kinds = {name: kind_of(factory, parameter) for name, parameter in own.parameters.items()}
    known, rest = _known(own.parameters), _keyword_rest(own.parameters)
    arguments: dict[str, Any] = {}
    for option, text in spelled.options.items():
        if option in known:
            arguments[option] = _value(spelled, option, text, kinds[option])
        elif rest is not None:
            arguments.setdefault(rest, {})[option] = _value(spelled, option, text, kinds[rest])
        else:
            raise MisuseError(f"{spelled.whole}: {_no_such(spelled.name, option, known, kinds)}")
    for option, parameter in known.items():
        if (
            option not in arguments
            and parameter.default is Parameter.empty
            and parameter.kind not in _VARIADIC
        ):
            kind = kinds[option]
            needed = f"{option}=... ({kind.says})" if kind else f"{option}, {_UNSAYABLE}"
            raise MisuseError(f"{spelled.whole}: {spelled.name} needs {needed}")
    bound = BoundArguments(own, {name: arguments[name] for name in own.parameters if name in arguments})
    return partial(factory, *bound.args, **bound.kwargs)


_UNSAYABLE = "which no command line can say: use it from Python"


def _known(parameters: Mapping[str, Parameter]) -> dict[str, Parameter]:
    return {name: one for name, one in parameters.items() if one.kind is not Parameter.VAR_KEYWORD}


def _keyword_rest(parameters: Mapping[str, Parameter]) -> str | None:
    return next((name for name, one in parameters.items() if one.kind is Parameter.VAR_KEYWORD), None)


def _no_such(name: str, option: str, known: Mapping[str, Parameter], kinds: Mapping[str, Kind | None]) -> str:
    near = get_close_matches(option, known, 1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    sayable = [f"{known} ({kind.says})" for known, kind in kinds.items() if kind is not None]
    return f"{name} has no option {option!r}{hint} There are: {', '.join(sayable) or 'none'}"


def _value(spelled: Spelled, option: str, text: str, kind: Kind | None) -> Any:
    if kind is None:
        raise MisuseError(f"{spelled.whole}: {option} is an object, {_UNSAYABLE}")
    parts = [_unescaped(part) for part in _split(text, "|")] if kind.many else _unescaped(text)
    try:
        return kind.convert(parts)
    except msgspec.ValidationError:
        raise MisuseError(f"{spelled.whole}: {option}={text} is no {kind.says}") from None


def _split(text: str, mark: str) -> list[str]:
    r"""Cut at each `mark` that no backslash stands before; nothing is unescaped yet."""
    return re.findall(rf"(?:\\[\\,|]|[^{re.escape(mark)}])+", text)


def _unescaped(text: str) -> str:
    return re.sub(r"\\([\\,|])", r"\1", text)
