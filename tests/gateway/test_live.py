"""What is known of answers under way, and of those that ended."""

import anyio
import pytest

from tokenweir.gateway.live import RECENT, Answer, Live
from tokenweir.pipeline.events import Delta, End, Failure, Phase, Start, ToolDelta, Usage

pytestmark = pytest.mark.anyio

SHUTTING_DOWN = Failure("shutting_down", "bye")


def an_answer(key: str | None = None) -> Answer:
    """One that has just begun."""
    return Answer("id", "chat", key, "asked")


async def test_an_answer_notes_what_it_sees() -> None:
    """Numbers, the state, and who answers; no text (fault S16)."""
    answer = an_answer()
    answer.see([Phase("loading", 0.4)])
    assert (answer.state, answer.progress, answer.first_token) == ("loading", 0.4, None)

    answer.see([Start("x", "p", "m"), Delta("héllo"), ToolDelta(0, "c", "f", "{}"), Usage(1, 2)])
    answer.see([End("complete")])

    assert (answer.state, answer.progress) == ("streaming", None)
    assert (answer.model, answer.tokens, answer.characters) == ("m", 2, 7)
    assert answer.first_token is not None
    assert (answer.usage, answer.outcome) == (Usage(1, 2), "complete")
    assert "héllo" not in repr(vars(answer))


async def test_an_answer_that_never_began_was_refused() -> None:
    """It has no end."""
    assert an_answer().outcome == "refused"


async def test_an_answer_is_stopped_once() -> None:
    """The first reason counts."""
    answer = an_answer()

    with answer.scope:
        answer.stop(SHUTTING_DOWN)
        answer.stop(Failure("limit", "too late"))
        await anyio.sleep_forever()

    assert answer.stopped == SHUTTING_DOWN


async def test_who_ended_is_remembered_for_a_while() -> None:
    """The newest first, RECENT at most, and each end is told once."""
    told = list[Answer]()
    live = Live(told.append)
    answers = [an_answer() for _ in range(RECENT + 5)]
    for answer in answers:
        live.enter(answer)
    assert len(live) == len(answers)
    for answer in answers:
        live.leave(answer)

    assert len(live) == 0
    assert told == answers
    assert list(live.recent) == answers[:4:-1]
    assert all(answer.ended is not None for answer in answers)


async def test_one_can_wait_until_nothing_is_under_way() -> None:
    """At once where nothing is."""
    live = Live(lambda _answer: None)
    answer = an_answer()
    live.enter(answer)

    async with anyio.create_task_group() as group:
        group.start_soon(live.until_idle)
        await anyio.wait_all_tasks_blocked()
        live.leave(answer)
    await live.until_idle()


async def test_a_client_s_answers_are_counted() -> None:
    """By the name of its key."""
    live = Live(lambda _answer: None)
    for key in ("a", "b", "a", None):
        live.enter(an_answer(key))

    assert [live.of_key("a"), live.of_key("b"), live.of_key(None), live.of_key("c")] == [2, 1, 1, 0]
