"""log tells what happened, and not what was said."""

import io
import logging
from collections.abc import Sequence
from typing import Any, cast

import pytest
import structlog
from structlog.testing import CapturingLogger

from tests.transcripts import HELLO
from tokenweir import Pipeline
from tokenweir.pipeline.errors import MisuseError, StageError
from tokenweir.pipeline.events import (
    Delta,
    End,
    Event,
    Failure,
    Finish,
    Phase,
    Revise,
    Snapshot,
    Start,
    Stats,
    ToolDelta,
    Usage,
)
from tokenweir.sinks import log
from tokenweir.sinks.log import TEXT
from tokenweir.testing import ScriptedSource

pytestmark = pytest.mark.anyio

ANSWER: list[Event] = [
    Phase("connecting", elapsed=0.0),
    Phase("connecting", elapsed=1.0),
    Phase("loading", 0.5, elapsed=2.0),
    Start("1", "lmstudio", "qwen3-8b"),
    Delta("hmm", "reasoning"),
    Delta("secret"),
    Delta(" of another choice", index=1),
    ToolDelta(0, "a", "f", "{}"),
    Usage(3, 5, 8),
    Finish("stop"),
    End("complete", stats=Stats(2.123456, characters=9)),
]

HOSTILE = [
    "\n",
    "\r\n[error] admin logged in",
    "\u2028",
    "\x85",
    "\x1b]52;c;aGk=\x07",
    "\x1b[2J",
    "\x9b31m",
    "\u202egnol",
]


async def logged(events: Sequence[Event], **options: Any) -> list[tuple[str, str, dict[str, Any]]]:
    """Method, event name and values of each line."""
    logger = CapturingLogger()
    sink = log(logger, **options)
    for event in events:
        await sink.send([event])
    await sink.aclose()
    return [(call.method_name, *call.args, call.kwargs) for call in logger.calls]


async def test_one_line_per_stream() -> None:
    """S16, P24: the figures, the tokens and the end; not a word of what was said."""
    [(method, event, values)] = await logged(ANSWER)

    assert (method, event) == ("info", "answer_end")
    assert (
        values.items()
        >= {
            "provider": "lmstudio",
            "model": "qwen3-8b",
            "outcome": "complete",
            "kind": None,
            "finish": "stop",
            "input": 3,
            "output": 5,
            "tokens_by": "backend",
            "duration": 2.1235,
            "characters": 9,
        }.items()
    )
    assert "text" not in values
    assert "secret" not in repr(values)


async def test_a_line_per_phase() -> None:
    """What the stream was doing, once at each change: not each second, and not each token."""
    lines = await logged(ANSWER, per="phase")

    assert [(event, values.get("phase")) for _, event, values in lines] == [
        ("answer_phase", "connecting"),
        ("answer_phase", "loading"),
        ("answer_begin", None),
        ("answer_end", None),
    ]
    assert lines[1][2] == {"phase": "loading", "progress": 0.5, "elapsed": 2.0}


@pytest.mark.parametrize(
    ("end", "method"),
    [
        (End("cancelled", Failure("cancelled", "left")), "info"),
        (End("timeout", Failure("timeout", "m", "first_token")), "warning"),
        (End("error", Failure("upstream", "Bearer sk-1", status=500)), "warning"),
    ],
)
async def test_other_ends(end: End, method: str) -> None:
    """P24, S10: kind, phase and status of what went wrong; a backend's own words stay out."""
    [(how, _, values)] = await logged([end])

    assert end.failure is not None
    assert (how, values["kind"]) == (method, end.failure.kind)
    assert (values["waiting_for"], values["status"]) == (end.failure.phase, end.failure.status)
    assert "sk-1" not in repr(values)


async def test_text_when_asked() -> None:
    """S16: the text of choice 0, revisions applied."""
    events: list[Event] = [
        Delta("Hello wrld"),
        Delta("no", "reasoning"),
        Delta("no", index=1),
        Revise(7, "orld"),
        ANSWER[-1],
    ]
    [(_, _, values)] = await logged(events, text=True)

    assert values["text"] == "Hello world"


@pytest.mark.parametrize("shift", [-1, 0, 1])
async def test_text_is_bounded(shift: int) -> None:
    """S07: so many code points and no more, and how many there were, those revised away not among them."""
    size = TEXT + shift
    events: list[Event] = [Delta("x" * (size - 2)), Delta("yz"), Delta("more"), Revise(size, ""), ANSWER[-1]]
    [(_, _, values)] = await logged(events, text=True)
    whole = "x" * (size - 2) + "yz"

    assert values["text"] == (whole if shift <= 0 else whole[:TEXT] + " [and 1 more]")


async def test_text_that_shrinks_and_grows_again() -> None:
    """A revision back into what is shown makes room for what comes after it."""
    events: list[Event] = [Delta("x" * (TEXT + 9)), Revise(3, "y" * 4), Delta("z" * TEXT), ANSWER[-1]]
    [(_, _, values)] = await logged(events, text=True)

    assert values["text"] == "xxxyyyy" + "z" * (TEXT - 7) + " [and 7 more]"


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize(
    "render",
    [
        structlog.processors.JSONRenderer(),
        structlog.processors.JSONRenderer(ensure_ascii=False),
        structlog.processors.KeyValueRenderer(),
        structlog.processors.LogfmtRenderer(),
        structlog.dev.ConsoleRenderer(colors=False),
    ],
    ids=lambda render: type(render).__name__,
)
async def test_one_event_is_one_line(render: Any, hostile: str) -> None:
    """P28, S07, S08: whatever renders the line, nothing that a backend or a model sends ends or steers it."""
    out = io.StringIO()
    logger = structlog.wrap_logger(structlog.WriteLogger(out), processors=[render])
    sink = log(logger, per="phase", text=True)
    await sink.send([Start("1", hostile, hostile), Delta(hostile), End("complete")])

    lines = out.getvalue().split("\n")
    assert (len(lines), lines[-1]) == (3, "")
    assert all(len(line.splitlines()) == 1 for line in lines[:2])
    assert not set("\x1b\x07\r\x9b\u202e\x85\u2028") & set(out.getvalue())


async def test_structlog_is_the_default() -> None:
    """Without a logger, structlog's own of the name `tokenweir` is taken."""
    with structlog.testing.capture_logs() as captured:
        await Pipeline(ScriptedSource([HELLO])).run("hi", into=log())

    [line] = [line for line in captured if line["event"] == "answer_end"]
    assert (line["log_level"], line["outcome"], line["characters"]) == ("info", "complete", 5)


async def test_misuse() -> None:
    """What cannot take a line is refused when the sink is made; a Snapshot names the missing stage."""
    with pytest.raises(MisuseError, match="takes a structlog logger"):
        log(logging.getLogger())
    with pytest.raises(MisuseError, match="takes a structlog logger"):
        log(print)
    with pytest.raises(MisuseError, match="'stream' or 'phase'"):
        log(per=cast("Any", "token"))
    with pytest.raises(StageError, match="log got a Snapshot"):
        await log(CapturingLogger()).send([Snapshot("ab")])
