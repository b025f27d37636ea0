"""One line per stream, for applications that want it."""

from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from tests.reader import hear
from tests.transcripts import HELLO, text
from tokenweir import Deadlines, Pipeline
from tokenweir.pipeline.log import log_keep_warm_failed, log_model_mismatch
from tokenweir.testing import ScriptedSource

pytestmark = pytest.mark.anyio


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """What an application that has configured structlog gets to see."""
    with structlog.testing.capture_logs() as lines:
        yield lines
    structlog.reset_defaults()


async def test_one_line_per_stream(logged: list[Any]) -> None:
    """P24, S16: a constant name, figures, and neither prompt nor answer."""
    source = ScriptedSource([text("secret answer"), HELLO], model="m")
    await hear(Pipeline(source).stream("secret prompt", temperature=0.123))
    (line,) = logged

    assert (line["event"], line["log_level"], line["outcome"]) == ("stream_end", "info", "complete")
    assert (line["provider"], line["model"], line["kind"]) == ("scripted", "m", None)
    assert (line["characters"], line["attempts"], line["amplification"]) == (18, 1, 1.0)
    assert "secret" not in repr(line)
    assert "0.123" not in repr(line)


@pytest.mark.parametrize(
    ("script", "level", "outcome", "waiting_for"),
    [
        ([text("a")], "warning", "truncated", None),
        ([text("a"), 1.0], "warning", "timeout", "silence"),
    ],
)
async def test_broken_ends_are_warnings(
    script: list[bytes | float], level: str, outcome: str, waiting_for: str | None, logged: list[Any]
) -> None:
    """P15: what went wrong, by its kind, and what was waited for."""
    await hear(Pipeline(ScriptedSource(script, deadlines=Deadlines(silence=0.02))).stream("hi"))
    (line,) = logged

    assert (line["log_level"], line["outcome"], line["waiting_for"]) == (level, outcome, waiting_for)
    assert line["kind"] in {"truncated", "timeout"}


async def test_leaving_is_no_warning(logged: list[Any]) -> None:
    """D01: a consumer that leaves is ordinary."""
    async with Pipeline(ScriptedSource([text("a"), 1.0])).stream("hi") as stream:
        await anext(stream)
    (line,) = logged

    assert (line["log_level"], line["outcome"], line["kind"]) == ("info", "cancelled", "cancelled")


async def test_silence_where_nobody_asked(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output belongs to the application: nothing is printed unless structlog is configured."""
    structlog.reset_defaults()
    await hear(Pipeline(ScriptedSource([text("a")])).stream("hi"))

    assert capsys.readouterr() == ("", "")


async def test_a_logger_that_fails_breaks_no_stream() -> None:
    """X03, X04: a full disk behind the log is not the stream's fault."""

    def full(*_: object) -> Any:
        raise OSError

    structlog.configure(processors=[full])
    try:
        heard = await hear(Pipeline(ScriptedSource([HELLO])).stream("hi"))
    finally:
        structlog.reset_defaults()

    assert (heard.text, heard.end.outcome) == ("Hello", "complete")


def test_warnings_have_constant_names(logged: list[Any]) -> None:
    """What another model answered, and what could not be kept warm."""
    log_model_mismatch("lmstudio", "a", "b")
    log_keep_warm_failed("ollama", None, "connect", 5.00049)

    assert logged == [
        {"event": "model_mismatch", "provider": "lmstudio", "asked": "a", "answered": "b"}
        | {"log_level": "warning"},
        {"event": "keep_warm_failed", "provider": "ollama", "model": None, "kind": "connect", "again": 5.0}
        | {"log_level": "warning"},
    ]


def test_a_warning_that_cannot_be_logged_harms_nobody() -> None:
    """S16: a processor that fails is the application's, and no reason to stop."""

    def fail(*_: object) -> str:
        raise OSError("disk full")

    structlog.configure(processors=[fail])
    try:
        log_model_mismatch("lmstudio", "a", "b")
        log_keep_warm_failed("ollama", "m", "connect", 5.0)
        with pytest.raises(OSError, match="disk full"):
            structlog.get_logger().warning("as it is without us")
    finally:
        structlog.reset_defaults()
