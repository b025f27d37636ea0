"""When an answer is over that a stage ended: every choice, and no sooner."""

from collections.abc import Sequence

import pytest

from tests.feeding import run_items
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Delta, Done, Event, Failure, Finish, Revise, ToolDelta, Usage
from tokenweir.pipeline.stage import Stage
from tokenweir.stages import stop_at, take
from tokenweir.stages.ending import check_choices

ENDED = Finish("stop", ";")


def run(events: Sequence[Event], choices: int = 1) -> list[Event]:
    """Through stop_at(";")."""
    return run_items(stop_at(";", choices=choices), events)


def test_the_only_choice() -> None:
    """Ended by the stage: finish and end at once, and nothing behind them."""
    late: list[Event] = [Delta("c"), Usage(1, 2), Finish("length"), Done()]

    assert run([Delta("a"), Delta("b;"), *late]) == [Delta("a"), Delta("b"), ENDED, Done()]


def test_others_go_on() -> None:
    """Of an ended choice nothing follows; of another everything, and then it is over."""
    mine: list[Event] = [
        Delta("x"),
        ToolDelta(0, "i", "f"),
        Revise(0, "y"),
        Delta("z", "reasoning"),
        Finish("length"),
    ]
    events: list[Event] = [Delta("b", "text", 1), Delta("a;"), *mine, Usage(1, 2), Delta("c", "text", 1)]
    rest: list[Event] = [Finish("length", None, 1), Usage(1, 3), Done()]

    assert run([*events, *rest]) == [
        Delta("b", "text", 1),
        Delta("a"),
        ENDED,
        Usage(1, 2),
        Delta("c", "text", 1),
        Finish("length", None, 1),
        Done(),
    ]


def test_choices_that_come_one_after_another() -> None:
    """`choices` says that there will be more, though none was seen yet."""
    events: list[Event] = [
        Delta("a;x"),
        Finish("stop"),
        Delta("b", "text", 1),
        Finish("stop", None, 1),
        Done(),
    ]

    assert run(events) == [Delta("a"), ENDED, Done()]
    assert run(events, 2) == [Delta("a"), ENDED, Delta("b", "text", 1), Finish("stop", None, 1), Done()]


def test_nothing_ended() -> None:
    """Where the backend ended every choice itself, its own end is waited for."""
    events: list[Event] = [Delta("a"), Finish("stop"), Usage(1, 2), Done()]

    assert run(events) == events


def test_the_backend_fails_meanwhile() -> None:
    """One choice was ended, another was not: the fault is the answer's."""
    events: list[Event] = [Delta("b", "text", 1), Delta("a;"), Done(Failure("upstream", "gone")), Delta("c")]

    assert run(events) == [Delta("b", "text", 1), Delta("a"), ENDED, Done(Failure("upstream", "gone"))]


@pytest.mark.parametrize("stage", [stop_at(";", choices=3), take(characters=1, choices=3)])
def test_a_fused_chain_is_over_too(stage: Stage[Event, Event]) -> None:
    """Two stages that end the same answer: one end."""
    whole = take(characters=2) | stage
    out = run_items(whole, [Delta("a;b"), Done()])

    assert out.count(Done()) == 1
    assert out[-1] == Done()


def test_wrong_choices() -> None:
    """The message says what the number is."""
    with pytest.raises(MisuseError, match="how many answers the request asks for"):
        check_choices("take", 0)
