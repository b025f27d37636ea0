"""Pipelines: how they are put together, and what `run` and `text` give back and hand on."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Self

import anyio
import anyio.lowlevel
import pytest

from tests.servers import Visit, answer, framed, http_chunk, serve, settle
from tests.transcripts import DONE, HELLO, STOP, chunk, entry, text
from tokenweir import Delta, End, Event, Failure, Pipeline, Report, Stage, Usage, connect
from tokenweir.pipeline.errors import MisuseError, ReceiverLeftError, SinkError, StageError, TruncatedError
from tokenweir.pipeline.run import GOODBYE
from tokenweir.sinks import memory
from tokenweir.stages import cumulative_detect, decode_protocol, delta_extract, sse_decode, token_count
from tokenweir.testing import ScriptedSource, Step

pytestmark = pytest.mark.anyio

LONG = 1000.0
"""Seconds of silence that no test waits for."""


class Watched:
    """A sink that writes down what is done to it, and fails, waits or leaves where it is told to."""

    def __init__(
        self, at: int | None = None, fault: BaseException | None = None, *, wait: bool = False
    ) -> None:
        self.events: list[Event] = []
        self.batches: list[int] = []
        self.closed = 0
        self.entries = 0
        self.waiting = anyio.Event()
        self._at = at
        self._fault = fault
        self._wait = wait

    async def __aenter__(self) -> Self:
        self.entries += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self.closed == 1

    async def send(self, batch: Sequence[Event]) -> None:
        """Take a batch."""
        self.batches.append(len(batch))
        self.events += batch
        if self._at is not None and len(self.batches) > self._at:
            if self._fault is not None:
                raise self._fault
            if self._wait:
                self.waiting.set()
                await anyio.sleep_forever()

    async def aclose(self) -> None:
        """Be closed."""
        self.closed += 1
        await anyio.lowlevel.checkpoint()

    @property
    def text(self) -> str:
        """The text that came."""
        return "".join(event.text for event in self.events if isinstance(event, Delta))

    @property
    def ends(self) -> list[str]:
        """The outcomes of the ends that came, which must be last."""
        ends = [event for event in self.events if isinstance(event, End)]
        assert not ends or self.events[-1] is ends[-1]
        return [end.outcome for end in ends]


def scripted(*script: Step) -> Pipeline:
    """A pipeline that is answered so."""
    return Pipeline(ScriptedSource(script))


async def test_text() -> None:
    """The joined text of an answer."""
    assert await scripted(text("Hel"), text("lo"), STOP, DONE).text("hi") == "Hello"


async def test_report() -> None:
    """What an answer was, put together."""
    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}
    script = [chunk(entry(reasoning_content="hm")), text("a"), chunk(entry(tool_calls=[call])), STOP]
    report = await scripted(*script, chunk(usage={"prompt_tokens": 1}), DONE).run("hi")

    assert (report.text, report.reasoning, report.model) == ("a", "hm", "m")
    assert report.tool_calls == [{"id": "c", "name": "f", "arguments": "{}"}]
    assert report.usage == Usage(input=1)
    assert report.end.outcome == "complete"


async def test_revisions_are_applied() -> None:
    """P4: the text is the backend's last word, where it rewrote what it had sent."""
    source = ScriptedSource([text("Helo"), text("Hello wor"), text("Hello world"), STOP], mode="cumulative")

    assert await Pipeline(source).text("hi") == "Hello world"


async def test_a_broken_answer_has_its_part() -> None:
    """DESIGN 6: the exception carries what had come: the text for `text`, the report for `run`."""
    with pytest.raises(TruncatedError) as of_text:
        await scripted(text("Hel")).text("hi")
    with pytest.raises(TruncatedError) as of_run:
        await scripted(text("Hel")).run("hi")

    assert of_text.value.partial == "Hel"
    assert isinstance(of_run.value.partial, Report)
    assert of_run.value.partial.text == "Hel"
    assert of_run.value.partial.end is of_run.value.end


async def test_check_false() -> None:
    """DESIGN 6: the outcome is then the caller's to look at, as in subprocess.run."""
    report = await scripted(text("Hel")).run("hi", check=False)

    assert (report.text, report.end.outcome) == ("Hel", "truncated")
    assert await scripted(text("Hel")).text("hi", check=False) == "Hel"


async def test_a_sink_gets_everything_once() -> None:
    """DESIGN 6: batches as they were read, one End, and it is closed once, and left only then."""
    sink = Watched()
    report = await scripted(text("a") + text("b"), text("c"), HELLO).run("hi", into=sink)

    assert (sink.ends, sink.closed, sink.entries) == (["complete"], 1, 1)
    assert sink.events[-1] == report.end
    assert sink.text == report.text == "abcHello"
    assert len(sink.batches) == 3


async def test_a_sink_sees_a_broken_end() -> None:
    """DESIGN 6: the sink is told before the caller is."""
    sink = Watched()
    with pytest.raises(TruncatedError):
        await scripted(text("a")).run("hi", into=sink)

    assert (sink.ends, sink.closed) == (["truncated"], 1)


@pytest.mark.parametrize("at", [0, 1, 2])
async def test_a_sink_that_fails(at: int) -> None:
    """D09, D12: its failure comes out with the report so far; the upstream is closed, and the sink is
    told once that it is over, and closed."""
    sink = Watched(at, OSError("disk full"))
    source = ScriptedSource([text("a"), text("b"), HELLO])
    with pytest.raises(SinkError) as told:
        await Pipeline(source).run("hi", into=sink)

    assert told.value.failure == Failure("sink", "the sink failed: OSError: disk full")
    assert isinstance(told.value.__cause__, OSError)
    assert isinstance(told.value.partial, Report)
    assert told.value.partial.text == ("a", "ab", "abHello")[at]
    assert told.value.end is not None
    assert told.value.end.outcome == ("complete" if at == 2 else "cancelled")
    assert len(sink.ends) == 1
    assert (sink.closed, source.connections[0].closed) == (1, 1)


async def test_a_sink_whose_receiver_left() -> None:
    """D13: what a sink says of itself comes out as it is, with the report so far."""
    with pytest.raises(ReceiverLeftError) as told:
        await scripted(text("a"), LONG).run("hi", into=Watched(0, ReceiverLeftError("gone")))

    assert (told.value.failure.kind, told.value.partial.text) == ("cancelled", "a")


async def test_a_sink_that_cannot_be_closed() -> None:
    """D12: the last flush counts too."""

    class Stuck(Watched):
        async def aclose(self) -> None:
            await super().aclose()
            raise OSError

    sink = Stuck()
    with pytest.raises(SinkError) as told:
        await scripted(HELLO).run("hi", into=sink)

    assert (told.value.partial.text, sink.closed) == ("Hello", 1)


async def test_a_sink_that_is_slow_to_close() -> None:
    """DESIGN 6: a sink that takes everything may take its time to finish; GOODBYE is for those who are
    left early."""

    class Slow(Watched):
        async def aclose(self) -> None:
            await anyio.sleep(0.1)
            await super().aclose()

    sink = Slow()
    report = await scripted(HELLO).run("hi", into=sink)

    assert (report.end.outcome, sink.closed) == ("complete", 1)


@pytest.mark.parametrize(
    "wait", [False, True], ids=["while it waits for the backend", "while the sink holds it"]
)
async def test_cancelled_run(wait: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001 - a parameter of the test
    """P10, DESIGN 6: the sink sees one End, in time, and is closed; the upstream is closed too."""
    monkeypatch.setattr("tokenweir.pipeline.run.GOODBYE", 0.2)
    sink = Watched(0, wait=wait)
    source = ScriptedSource([text("a"), LONG])
    began = anyio.current_time()
    with anyio.move_on_after(0.05) as scope:
        await Pipeline(source).run("hi", into=sink)

    assert scope.cancelled_caught
    assert (sink.ends, sink.closed, source.connections[0].closed) == (["cancelled"], 1, 1)
    assert anyio.current_time() - began < GOODBYE


async def test_cancelled_run_into_a_sink_that_is_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    """P10: a sink that does not even take its End holds nobody for longer than its goodbye."""
    monkeypatch.setattr("tokenweir.pipeline.run.GOODBYE", 0.1)

    class Stuck(Watched):
        async def send(self, batch: Sequence[Event]) -> None:
            self.events += batch
            await anyio.sleep_forever()

        async def aclose(self) -> None:
            await super().aclose()
            await anyio.sleep_forever()

    sink = Stuck()
    began = anyio.current_time()
    with anyio.move_on_after(0.02):
        await scripted(text("a"), LONG).run("hi", into=sink)

    assert (sink.ends, sink.closed) == (["cancelled"], 1)
    assert anyio.current_time() - began < 1.0


async def test_a_slow_sink_holds_the_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """P13, DESIGN 6: nothing is read while a sink takes its time."""
    monkeypatch.setattr("tokenweir.pipeline.run.GOODBYE", 0.02)
    sink = Watched(0, wait=True)
    source = ScriptedSource([text("a"), text("b"), HELLO])
    async with anyio.create_task_group() as running:
        running.start_soon(partial(Pipeline(source).run, "hi", into=sink))
        await sink.waiting.wait()
        await anyio.wait_all_tasks_blocked()
        assert source.connections[0].left == [text("b"), HELLO]
        running.cancel_scope.cancel()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_slow_sink_blocks_the_upstreams_writes() -> None:
    """P13, D03, D04: over a real socket with small buffers, the backend's own writes come to a stop while
    a sink takes its time, and go on when it does; nothing is lost."""
    gate = anyio.Event()
    stuck = anyio.Event()
    sent = 0

    class Gated(Watched):
        async def send(self, batch: Sequence[Event]) -> None:
            await super().send(batch)
            if any(isinstance(event, Delta) for event in batch):
                await gate.wait()

    async def flood(visit: Visit) -> None:
        nonlocal sent
        await visit.asked()
        visit.send(framed("chunked", [])[0])
        while not visit.full.is_set():
            visit.send(http_chunk(text("x" * 8000)))
            sent += 8000
            await settle()
        stuck.set()
        visit.send(http_chunk(HELLO))
        await visit.left.wait()

    sink = Gated()
    async with serve(flood, send_buffer=65_536) as server, connect("mlx", server.url) as source:

        async def open_the_gate() -> None:
            await stuck.wait()
            gate.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(open_the_gate)
            await Pipeline(source).run("hi", into=sink)

    assert sink.text == "x" * sent + "Hello"
    assert sink.ends == ["complete"]


async def test_a_pipeline_serves_many_at_once() -> None:
    """DESIGN 6: whatever belongs to one answer is in its stream."""
    pipeline = scripted(text("a"), 0.01, HELLO)
    sinks = [memory() for _ in range(10)]

    async with anyio.create_task_group() as many:
        for sink in sinks:
            many.start_soon(partial(pipeline.run, "hi", into=sink))

    assert [sink.text for sink in sinks] == ["aHello"] * 10


async def test_gathered_by_hand() -> None:
    """DESIGN 6: from the bytes on, bound to one request."""
    source = ScriptedSource([HELLO])
    stages: list[Stage[Any, Any]] = [
        sse_decode(),
        decode_protocol("openai-chat"),
        cumulative_detect("auto"),
        delta_extract(),
    ]
    pipeline = Pipeline(source.bytes("hi"), *stages)

    assert await pipeline.text() == "Hello"
    wrong: list[dict[str, Any]] = [{"messages": "more"}, {"temperature": 1}, {"stream": False}]
    for options in wrong:
        with pytest.raises(MisuseError, match="bound to its request"):
            pipeline.stream(**options)


def test_wrong_pipelines() -> None:
    """Wrong use is answered when the pipeline is made, with what would be right."""
    source = ScriptedSource([HELLO])
    bound = source.bytes("hi")
    wrong: list[tuple[Any, ...]] = [
        ("begins with a source", "lmstudio"),
        ("is not a stage: call it, token_count", source, token_count),
        ("is not a stage", source, 5),
        ("needs its stages", bound),
        (r"takes wire: begin with sse_decode\(\)", bound, decode_protocol("openai-chat")),
        (r"add decode_protocol", bound, sse_decode()),
        (r"add delta_extract\(\)", source, cumulative_detect("auto")),
        ("check the order of the stages", source, sse_decode()),
    ]
    for message, *parts in wrong:
        with pytest.raises(MisuseError, match=message):
            Pipeline(*parts)


async def test_wrong_requests() -> None:
    """Wrong use is answered where it happens."""
    with pytest.raises(MisuseError, match="needs messages"):
        scripted(HELLO).stream()
    with pytest.raises(MisuseError, match="messages is empty"):
        await scripted(HELLO).text([])


async def test_one_shot() -> None:
    """DESIGN 5: `stream=False` asks for the whole answer, through the same stages."""
    body = b'{"object":"chat.completion","choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}]}'
    source = ScriptedSource([body])

    assert await Pipeline(source, token_count()).text("hi", stream=False) == "Hello"


def test_a_snapshot_that_nobody_resolves() -> None:
    """A source whose own stages resolve no snapshots makes no pipeline: the missing stage is named."""
    source = ScriptedSource([text("a"), HELLO])
    source.stage = source.stage | cumulative_detect("cumulative")

    with pytest.raises(MisuseError, match="delta_extract"):
        Pipeline(source)


def test_repr() -> None:
    """A pipeline shows what it is made of."""
    assert repr(scripted(HELLO)) == "<Pipeline scripted | sse_decode | decode_protocol(openai-chat)>"


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_over_a_socket() -> None:
    """The whole way, once: a server, a source, stages, a sink."""
    async with serve(answer(HELLO)) as server, connect("openai-compatible", server.url) as source:
        sink = memory()
        report = await Pipeline(source, token_count()).run("hi", into=sink)

    assert (report.text, sink.text, sink.end) == ("Hello", "Hello", report.end)


async def test_a_stage_that_breaks_in_a_run() -> None:
    """A bug of a stage comes out of `run` as what it is, and the sink has its end."""

    class Broken:
        def feed(self, _items: Sequence[Event], /) -> list[Event]:
            raise LookupError

        def finish(self) -> list[Event]:
            return []

    sink = Watched()
    with pytest.raises(StageError, match="stage broken broke: LookupError"):
        await Pipeline(ScriptedSource([HELLO]), Stage(Broken, "broken")).run("hi", into=sink)

    assert (sink.ends, sink.closed) == (["error"], 1)
