"""`--stage` and `--sink`: parts of a pipeline that are named on the command line.

Law of this file: names to factories, ours first and then those of installed distributions, and which
of ours make no sense here. How a part is spelled stands in spelled.py.
"""

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from msgspec import Struct

from tokenweir import sinks, stages
from tokenweir.cli.spelled import Spelled, bind, read
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.plugins import plugin
from tokenweir.pipeline.sink import Sink
from tokenweir.pipeline.stage import Stage

SINKS = ("jsonl", "log")
"""Those of ours that text alone can make, and whose output is not the answer's own."""


def stage_of(spelling: str) -> Stage[Any, Any]:
    """The stage that `--stage` names. Raises MisuseError where there is none such."""
    spelled = _read(spelling, "--stage")
    if spelled.name in stages.__all__:
        factory = getattr(stages, spelled.name)
    else:
        factory = plugin("tokenweir.stages", spelled.name, stages.__all__)
    made: Stage[Any, Any] = _call(bind(factory, spelled), spelled)
    if not isinstance(made, Stage):  # pyright: ignore[reportUnnecessaryIsInstance] - others are not all typed
        raise MisuseError(f"{spelled.whole}: {spelled.name} made {made!r}, which is no stage")
    return made


class SinkOption(Struct, frozen=True):
    """A sink that `--sink` names: `make` gives a fresh one for each stream. `on_stderr` says that it
    writes to standard error."""

    whole: str
    make: Callable[[], Sink]
    on_stderr: bool = False


def sink_of(spelling: str) -> SinkOption:
    """What `--sink` names. Raises MisuseError where there is none such; `make` raises it where a sink of
    others refuses its values."""
    spelled = _read(spelling, "--sink")
    name = spelled.name
    if name == "stdout":
        raise MisuseError(f"{spelled.whole}: the answer goes to standard output already")
    if name in sinks.__all__ and name not in SINKS:
        raise MisuseError(
            f"{spelled.whole}: {name} is for programs: use it from Python. Sinks for the command line are: "
            f"{', '.join(SINKS)}, and those of installed distributions"
        )
    factory = getattr(sinks, name) if name in SINKS else plugin("tokenweir.sinks", name, SINKS)
    call = bind(factory, spelled)
    if name == "log":
        call = partial(call, logger=_stderr_logger())
    make = partial(_make_sink, call, spelled)
    if name in SINKS:
        make()  # ours open nothing before their first event, so that wrong values are told at once
    return SinkOption(spelled.whole, make, name == "log")


def _make_sink(call: Callable[[], Any], spelled: Spelled) -> Sink:
    made = _call(call, spelled)
    if not callable(getattr(made, "send", None)) or not callable(getattr(made, "aclose", None)):
        raise MisuseError(f"{spelled.whole}: {spelled.name} made {made!r}, which is no sink")
    sink: Sink = made
    return sink


def _read(spelling: str, flag: str) -> Spelled:
    try:
        spelled = read(spelling)
    except MisuseError as wrong:
        raise MisuseError(f"{flag} {wrong}") from None
    return Spelled(f"{flag} {spelled.whole}", spelled.name, spelled.options)


def _call(call: Callable[[], Any], spelled: Spelled) -> Any:
    """What a factory refuses is wrong use; those of others say so with what Python has for it."""
    try:
        return call()
    except MisuseError as refused:
        raise MisuseError(f"{spelled.whole}: {refused}") from None
    except (TypeError, ValueError) as refused:
        raise MisuseError(f"{spelled.whole}: {type(refused).__name__}: {refused}") from refused


def _stderr_logger() -> Any:
    """A logger of its own, since structlog's default one writes to standard output. Values as `repr`:
    what a backend sends must not steer the terminal."""
    return structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper("%H:%M:%S", utc=False),
            structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, repr_native_str=True),
        ],
    )
