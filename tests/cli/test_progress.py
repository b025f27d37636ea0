"""What a stream is doing, in words."""

import pytest

from tokenweir.cli.progress import Progress
from tokenweir.pipeline.events import Delta, Event, Finish, Phase, Revise, Start, ToolDelta


def told(*events: Event, now: float, began: float = 0.0) -> str:
    """The words at `now`, where everything came at `began`; the stream began at 0."""
    progress = Progress(0.0)
    progress.see(events, began)
    return progress.words(now)


@pytest.mark.parametrize(
    ("phase", "now", "words"),
    [
        (Phase("connecting"), 0.2, "connecting"),
        (Phase("connecting"), 3.4, "connecting 3 s"),
        (Phase("queued"), 2.0, "queued 2 s"),
        (Phase("loading"), 12.4, "loading model 12 s"),
        (Phase("loading", 0.416), 12.4, "loading model 42 %"),
        (Phase("prefill", 0.4), 0.1, "prefill 40 %"),
        (Phase("prefill"), 7.0, "prefill 7 s"),
        (
            Phase("connecting", None, "again in 0.5 s: HTTP 503: a\n b"),
            0.0,
            "connecting (again in 0.5 s: HTTP 503: a b)",
        ),
    ],
)
def test_waiting(phase: Phase, now: float, words: str) -> None:
    """While no token can come: what for, and how far or how long, whichever is known."""
    assert told(phase, now=now) == words


def test_before_anything_is_heard() -> None:
    """A stream begins by connecting."""
    assert Progress(5.0).words(5.0) == "connecting"


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (Delta("x" * 400), "~50 tok/s"),
        (Revise(3, "x" * 400), "~50 tok/s"),
        (Delta("x" * 400, "reasoning"), "thinking ~50 tok/s"),
        (ToolDelta(0, "id", "name", "x" * 400), "calling a tool ~50 tok/s"),
        (Delta("語" * 160), "~60 tok/s"),
    ],
)
def test_flowing(event: Event, words: str) -> None:
    """An estimate, and marked as one, over the time since the first content."""
    assert told(Phase("loading"), event, began=10.0, now=12.0) == words


def test_no_rate_before_there_is_one() -> None:
    """In the first second a rate would be noise."""
    assert told(Delta("Hi"), now=0.5) == "writing"
    assert told(Delta("Hm", "reasoning"), now=0.5) == "thinking"


def test_what_says_nothing_changes_nothing() -> None:
    """Events that are neither phases nor content."""
    assert told(Start("id"), Finish("stop"), now=0.0) == "connecting"


def test_a_backend_cannot_steer_the_terminal() -> None:
    """P28: a phase's detail is the backend's text."""
    words = told(Phase("loading", 0.5, "\x1b]0;owned\x07\x9b2J"), now=0.0)

    assert words == "loading model 50 % (\\x1b]0;owned\\x07\\x9b2J)"
