"""The stages of a backend, made from its settings.

Law of this file: a stage is a name, or a name with its options. Only those that take events and give events
can be asked for: what makes events of bytes belongs to the provider.
"""

from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from types import NoneType
from typing import Any, cast

import msgspec

from tokenweir import stages
from tokenweir.cli.value_kinds import kind_of
from tokenweir.config.near import nearest
from tokenweir.config.schema import Backend
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Event
from tokenweir.pipeline.json_value import as_object
from tokenweir.pipeline.plugins import plugin
from tokenweir.pipeline.stage import Stage

OURS = (
    "append_only",
    "coalesce",
    "limit",
    "reasoning_split",
    "stop_at",
    "take",
    "throttle",
    "token_count",
)

_LONGEST = 64
_MANY = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


def stages_of(backend: Backend) -> list[Stage[Event, Event]]:
    """The stages that `stages` names, in their order. Raises MisuseError for one that cannot be made."""
    return [stage_of(spelled) for spelled in backend.stages]


def stage_of(spelled: str | dict[str, Any]) -> Stage[Event, Event]:
    """One stage. Raises MisuseError for a name that there is none of, and for options that do not fit.

    >>> stage_of({"throttle": {"rate": 20}}).name, stage_of("token_count").name
    ('throttle', 'token_count')
    """
    name, options = _taken_apart(spelled)
    if len(name) > _LONGEST:
        raise MisuseError("no stage has so long a name")
    if name in stages.__all__ and name not in OURS:
        raise MisuseError(f"{name} belongs to the provider, which has it where it needs it: leave it out")
    factory = getattr(stages, name) if name in OURS else plugin("tokenweir.stages", name, OURS)
    positional, named = _arguments(name, factory, options)
    try:
        made = factory(*positional, **named)
    except MisuseError:
        raise
    except Exception as refused:
        raise MisuseError(f"{name} cannot be made with these options: {type(refused).__name__}") from refused
    stage = cast("Stage[Event, Event]", made)
    if not isinstance(made, Stage) or (stage.takes, stage.gives) != ("events", "events"):
        raise MisuseError(f"{name} makes no stage that takes events and gives events")
    return stage


def _taken_apart(spelled: str | dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if isinstance(spelled, str):
        return spelled, {}
    names = list(spelled)
    options: Any = next(iter(spelled.values()), None)
    if len(names) != 1 or type(options) not in (dict, NoneType):
        raise MisuseError("a stage is its name, or its name and its options, as in throttle: {rate: 20}")
    return names[0], dict(as_object(options))


def _arguments(
    name: str, factory: Callable[..., Any], options: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """The options as the factory takes them."""
    try:
        own = signature(factory, eval_str=True).parameters
    except (TypeError, ValueError, NameError) as hidden:
        raise MisuseError(f"the options of {name} are hidden: {hidden}") from None
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for option, value in options.items():
        parameter = own.get(option) or _rest(own)
        if parameter is None:
            raise MisuseError(f"{name} has no option {option!r:.60}{nearest(option, own)}")
        read = _value(name, factory, parameter, value)
        if parameter.kind is Parameter.VAR_POSITIONAL:
            positional = list(read)
        else:
            named[option] = read
    missing = [
        option
        for option, one in own.items()
        if option not in options and one.default is Parameter.empty and one.kind not in _MANY
    ]
    if missing:
        raise MisuseError(f"{name} needs the option {missing[0]!r}")
    return positional, named


def _rest(own: Mapping[str, Parameter]) -> Parameter | None:
    """What takes every other option, where there is such a thing."""
    return next((one for one in own.values() if one.kind is Parameter.VAR_KEYWORD), None)


def _value(name: str, factory: Callable[..., Any], parameter: Parameter, value: object) -> Any:
    kind = kind_of(factory, parameter)
    try:
        return msgspec.convert(value, parameter.annotation if kind is None else kind.type)
    except (msgspec.ValidationError, TypeError):  # TypeError: of a type that nothing written down can be
        needed = "what it takes" if kind is None else f"a {kind.says.partition(', written')[0]}"
        raise MisuseError(f"{name}: {parameter.name} is not {needed}") from None
