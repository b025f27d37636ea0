"""The gateway's log: what it tells of an answer, and what it never tells."""

import json
from collections.abc import Generator
from typing import Any

import pytest
import structlog

from tokenweir.gateway import log
from tokenweir.gateway.live import Answer
from tokenweir.pipeline.events import Delta, End, Failure, Start, Stats, Usage
from tokenweir.pipeline.log import log_end

pytestmark = pytest.mark.anyio


class Written:
    """What has gone to standard error."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def text(self) -> str:
        """All of it since the last question."""
        return self._capsys.readouterr().err

    def lines(self) -> list[dict[str, Any]]:
        """Each line as JSON."""
        return [json.loads(line) for line in self.text().splitlines()]


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Generator[Written]:
    """The log is configured for one test alone."""
    yield Written(capsys)
    structlog.reset_defaults()


async def an_answer() -> Answer:
    """One that has ended."""
    answer = Answer("id", "chat", "alice", "qwen")
    answer.backend = "local"
    answer.see([Start(None, "lmstudio", "qwen3-8b"), Delta("secret words"), Usage(3, 5)])
    answer.see([End("complete", stats=Stats(amplification=2.5, attempts=1))])
    answer.ended = answer.started + 1.25
    return answer


async def test_an_answer_is_one_line_with_its_figures(written: Written) -> None:
    """And without a word of its text (S16)."""
    log.configure_log("json")
    log.log_answer(await an_answer())

    text = written.text()
    line = json.loads(text)
    assert line["event"] == "answer"
    told = {"request": "id", "client": "alice", "backend": "local", "model": "qwen3-8b", "asked": "qwen"}
    figures = {"outcome": "complete", "status": 200, "duration": 1.25, "output_tokens": 5, "characters": 12}
    assert told.items() | figures.items() | {"amplification": 2.5}.items() <= line.items()
    assert "secret" not in text


async def test_people_get_what_matters_first_and_nothing_empty(written: Written) -> None:
    """How it ended stands in front; a field without a value is left out."""
    log.configure_log("text")
    log.log_answer(await an_answer())

    text = written.text()
    assert "answer" in text
    assert text.index("outcome=") < text.index("model=") < text.index("request=")
    assert "None" not in text


async def test_several_that_were_asked_are_named(written: Written) -> None:
    """In their order; one alone is the `backend`."""
    several, one = await an_answer(), await an_answer()
    several.tried, one.tried = ["first", "local"], ["local"]
    log.configure_log("json")
    log.log_answer(several)
    log.log_answer(one)

    assert [line["tried"] for line in written.lines()] == ["first, local", None]


async def test_a_failure_says_what_was_waited_for(written: Written) -> None:
    """Its kind and its phase; the message stays with the client."""
    answer = await an_answer()
    answer.see([End("timeout", Failure("timeout", "waited 60 s", "silence"))])
    log.configure_log("json")
    log.log_answer(answer)

    [line] = written.lines()
    assert (line["outcome"], line["kind"], line["waiting_for"]) == ("timeout", "timeout", "silence")


@pytest.mark.parametrize("form", ["text", "json"])
async def test_no_value_forges_a_line(form: Any, written: Written) -> None:
    """S07: one event is one line, whatever a client or a backend chose; a long value is cut."""
    answer = await an_answer()
    answer.asked = "\n[error] admin logged in\r\x1b[31m\u202e\u2028" + "x" * 1_000_000
    log.configure_log(form)
    log.log_answer(answer)

    text = written.text()
    assert text.count("\n") == 1
    assert len(text) < 2000
    assert not set(text) & set("\r\x1b\u202e\u2028")


async def test_the_library_s_own_line_is_left_out(written: Written) -> None:
    """An answer is told once."""
    log.configure_log("json")
    log_end("lmstudio", "m", End("complete"))
    log.log_life("serving", url="http://127.0.0.1:3000")

    assert [line["event"] for line in written.lines()] == ["serving"]


async def test_without_a_configuration_it_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output belongs to whoever embeds it."""
    log.log_answer(await an_answer())
    log.log_refused("id", "GET", "/", 404, "bad_request")
    log.log_trouble("bug")

    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("written")
async def test_a_log_that_fails_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """X03: a full disk, say."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    log.configure_log("json")
    monkeypatch.setattr(structlog, "get_logger", full)
    log.log_trouble("bug")
