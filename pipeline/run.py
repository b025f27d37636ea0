"""Pipeline: a source and stages, ready to answer.

Law of this file: what people call. A pipeline is immutable and may serve any number of streams at
once; everything that belongs to one answer lives in its Stream.
"""

from collections.abc import Awaitable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from typing import Any, cast

import anyio
from msgspec import Struct

from tokenweir.pipeline.arrival import Route
from tokenweir.pipeline.assemble import Assembly, ToolCall
from tokenweir.pipeline.errors import MisuseError, SinkError, StreamError, error_for
from tokenweir.pipeline.events import End, Event, Failure, Usage
from tokenweir.pipeline.iterate import SyncStream
from tokenweir.pipeline.race import Race
from tokenweir.pipeline.request import Messages
from tokenweir.pipeline.sink import BranchReport, Sink
from tokenweir.pipeline.sources.base import BoundSource, Source
from tokenweir.pipeline.sources.choice import Choice
from tokenweir.pipeline.stage import Stage
from tokenweir.pipeline.stream import Stream

GOODBYE = 1.0
"""Seconds that a sink has for its last `End` when the run is cancelled."""


class Report(Struct, frozen=True):
    """What a run delivered: the `End`, the text of choice 0 (revisions applied), and the rest of it.

    `sinks` tells of each branch, where it went into a fanout."""

    end: End
    text: str
    reasoning: str
    tool_calls: list[ToolCall]
    usage: Usage | None
    model: str | None
    sinks: tuple[BranchReport, ...] = ()


class Pipeline:
    """A source and what is done to its events.

    `Pipeline(connect("lmstudio"), token_count())` adds stages behind the source's own.
    `Pipeline(source.bytes(messages), sse_decode(), ...)` is gathered by hand, from the bytes on, and
    bound to that one request.

    Raises MisuseError where the stages do not fit together.
    """

    def __init__(self, source: Source | BoundSource | Choice, *stages: Stage[Any, Any]) -> None:
        self._bound = source.request if isinstance(source, BoundSource) else None
        self._race = isinstance(source, Choice) and source.race
        sources = source.sources if isinstance(source, Choice) else (_source_of(source),)
        if self._bound is None:
            self._routes = [(one, _chained([one.stage, *stages])) for one in sources]
        else:
            self._routes = [(one, _chained(list(stages))) for one in sources]

    def stream(
        self,
        messages: Messages | None = None,
        *,
        check: bool = True,
        stream: bool = True,
        **options: Any,
    ) -> Stream:
        """Ask, and iterate over the answer's events.

        `options` are the request's parameters (`temperature=0.2`, `max_tokens=...`, `tools=[...]`).
        `stream=False` asks the backend for the whole answer at once, through the same stages.
        `check=False` leaves a broken end to its `End` event and raises nothing.

        Raises MisuseError for messages that cannot be sent. Nothing is sent before the first step.
        """
        if self._bound is not None:
            if messages is not None or options or not stream:
                msg = "this pipeline is bound to its request: call stream() without messages or options"
                raise MisuseError(msg)
            source, stage = self._routes[0]
            return Stream(Route(source, self._bound, stage), check=check)
        if messages is None:
            msg = "stream() needs messages: a prompt, or [{'role': 'user', 'content': '...'}]"
            raise MisuseError(msg)
        routes = [
            Route(source, source.request(messages, stream=stream, **options), stage)
            for source, stage in self._routes
        ]
        return Race(routes, check=check) if self._race else Stream(routes[0], routes[1:], check=check)

    def iterate(self, messages: Messages | None = None, **options: Any) -> SyncStream:
        """Ask, and iterate over the answer's events without an event loop, on any thread.

        The same as `stream`, with `for` and `with`; its `cancel()` may come from another thread. Raises
        MisuseError as `stream` does, and on a thread that runs an event loop.
        """
        return SyncStream(self.stream(messages, **options))

    async def text(self, messages: Messages | None = None, **options: Any) -> str:
        """The answer's text, revisions applied. Raises StreamError with the text so far in `partial`."""
        try:
            return (await self.run(messages, **options)).text
        except StreamError as broken:
            broken.partial = broken.partial.text if isinstance(broken.partial, Report) else ""
            raise

    async def run(
        self,
        messages: Messages | None = None,
        *,
        into: Sink | None = None,
        check: bool = True,
        **options: Any,
    ) -> Report:
        """Run to the end, into a sink if there is one, and report.

        The sink is entered where it is an async context manager, gets every event once and exactly one
        `End`, also where the run is cancelled or fails (it then has GOODBYE seconds), and is closed.

        Raises the StreamError of an end that is not `complete` (unless `check=False`), and SinkError where
        the sink failed; each has the report so far in `partial`.
        """
        answer = Assembly()
        stream = self.stream(messages, check=False, **options)
        try:
            async with _entered(into), stream:
                await _deliver(stream, answer, into)
        except SinkError as broken:
            broken.end, broken.partial = stream.end, _report(answer, stream.end, into)
            raise
        report = _report(answer, stream.end, into)
        if check and report.end.outcome != "complete":
            raise error_for(report.end, report)
        return report

    def __repr__(self) -> str:
        (first, stage), *others = self._routes
        names = ", ".join([first.provider, *(source.provider for source, _ in others)])
        return f"<Pipeline {names} | {stage.name}>"


def _source_of(source: Source | BoundSource) -> Source:
    found = source.source if isinstance(source, BoundSource) else source
    if not isinstance(found, Source):  # pyright: ignore[reportUnnecessaryIsInstance] - callers are not all typed
        msg = f"a pipeline begins with a source, not with {source!r}: Pipeline(connect('lmstudio'), ...)"
        raise MisuseError(msg)
    return found


def _chained(chain: Sequence[Stage[Any, Any]]) -> Stage[bytes, Event]:
    """The stages as one. Raises MisuseError where they do not fit together."""
    for stage in chain:
        if not isinstance(stage, Stage):  # pyright: ignore[reportUnnecessaryIsInstance] - as above
            hint = f": call it, {stage.__name__}()" if callable(stage) and hasattr(stage, "__name__") else ""
            msg = f"{stage!r} is not a stage{hint}"
            raise MisuseError(msg)
    if not chain:
        msg = "a pipeline gathered by hand needs its stages: sse_decode(), decode_protocol(...), ..."
        raise MisuseError(msg)
    fused: Stage[Any, Any] = chain[0]
    for stage in chain[1:]:
        fused = fused | stage
    _check_ends(fused)
    return cast("Stage[bytes, Event]", fused)


def _entered(sink: Sink | None) -> AbstractAsyncContextManager[Any]:
    """Some sinks have something of their own to begin and to end: tasks, for one."""
    return sink if isinstance(sink, AbstractAsyncContextManager) else nullcontext()


async def _deliver(stream: Stream, answer: Assembly, sink: Sink | None) -> None:
    try:
        async for batch in stream.batches():
            answer.feed(batch)
            if sink is not None:
                await _asked(sink.send(batch))
    except BaseException:
        await stream.aclose()
        if sink is not None:
            await _part(sink, stream.end if answer.end is None else None)
        raise
    if sink is not None:
        await _asked(sink.aclose())


async def _asked(sink: Awaitable[None]) -> None:
    """Whatever a sink raises is its failure, and one that says so itself knows best which."""
    try:
        await sink
    except SinkError:
        raise
    except Exception as fault:
        raise SinkError(Failure("sink", f"the sink failed: {type(fault).__name__}: {fault}")) from fault


async def _part(sink: Sink, end: End | None) -> None:
    """The last word to a sink that is left early: its `End` if it did not get it, and the closing. That
    it fails now too is no news."""
    with anyio.move_on_after(GOODBYE / 2, shield=True), suppress(Exception):
        if end is not None:
            await sink.send([end])
    with anyio.move_on_after(GOODBYE / 2, shield=True), suppress(Exception):
        await sink.aclose()


def _report(answer: Assembly, end: End | None, sink: Sink | None) -> Report:
    """Made when the sink has been left: what its branches did is final then."""
    return Report(
        answer.end or end or End("cancelled"),
        answer.text(),
        answer.text(channel="reasoning"),
        answer.tool_calls(),
        answer.usage,
        answer.model,
        getattr(sink, "figures", ()),
    )


def _check_ends(stage: Stage[Any, Any]) -> None:
    if stage.takes != "bytes":
        first = stage.parts[0].name
        msg = f"the pipeline begins with {first}, which takes {stage.takes}: begin with sse_decode()"
        raise MisuseError(msg)
    if stage.gives != "events":
        missing = "delta_extract()" if any(p.name.startswith("cumulative") for p in stage.parts) else None
        if missing or stage.gives != "raw events":
            last, needed = stage.parts[-1].name, missing or "decode_protocol(...)"
            msg = f"the pipeline ends with {last}, which gives {stage.gives}: add {needed}"
            raise MisuseError(msg)
