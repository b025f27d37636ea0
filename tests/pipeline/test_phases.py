"""What a stream tells of its waiting: within a phase never less, and nothing that nobody told."""

import pytest

from tokenweir.pipeline.events import Phase, PhaseName
from tokenweir.pipeline.phases import Phases


def begun() -> Phases:
    """The phases of a stream that began at 100."""
    phases = Phases()
    phases.begin(100.0)
    return phases


def test_progress_never_falls_within_a_phase() -> None:
    """P16: a backend that repeats itself, or begins anew, does not take back what was told."""
    phases = begun()
    told = [phases.hear(Phase("loading", at), 101.0).progress for at in (0.1, 0.4, 0.3, None, 0.2, 0.5)]

    assert told == [0.1, 0.4, 0.4, None, 0.4, 0.5]
    assert phases.hear(Phase("prefill", 0.1), 102.0).progress == 0.1
    assert phases.hear(Phase("loading", 0.2), 103.0).progress == 0.2


def test_a_tick_repeats_what_is_known() -> None:
    """P16: between two words of the backend, the last one stands."""
    phases = begun()
    phases.hear(Phase("loading", 0.4, "of 3 parts"), 101.0)

    assert phases.tick("loading", 102.0) == Phase("loading", 0.4, "of 3 parts", 2.0)
    assert phases.tick("prefill", 103.0) == Phase("prefill", None, None, 3.0)
    assert (phases.told, phases.known) == (103.0, False)


def test_what_is_said_once_is_not_repeated() -> None:
    """P16: why another attempt is made belongs to its moment."""
    phases = begun()

    assert phases.say("connecting", 101.0, "again in 2.0 s") == Phase(
        "connecting", None, "again in 2.0 s", 1.0
    )
    assert phases.tick("connecting", 102.0) == Phase("connecting", None, None, 2.0)


def test_what_is_learned_is_told_at_the_next_tick() -> None:
    """P16: an answer to a question is no event of its own."""
    phases = begun()
    phases.learn(Phase("queued", None, "third in line"))

    assert phases.told == 100.0
    assert phases.tick(phases.name, 101.0) == Phase("queued", None, "third in line", 1.0)


WAITS: list[tuple[Phase | None, PhaseName, str]] = [
    (None, "connecting", "a connection"),
    (None, "loading", "the first token: the model may still be loading"),
    (None, "prefill", "the first token: the prompt may be long, or the backend hangs"),
    (None, "queued", "the first token"),
    (Phase("loading"), "loading", "the model to load"),
    (Phase("loading", 0.5), "loading", "the model to load (it was at 50 %)"),
    (Phase("loading", 1.0), "prefill", "the first token: the prompt may be long, or the backend hangs"),
    (Phase("queued"), "queued", "its turn in the backend's queue"),
    (Phase("prefill", 0.125), "prefill", "the first token, while the prompt was read (it was at 12 %)"),
    (Phase("prefill"), "prefill", "the first token: the prompt may be long, or the backend hangs"),
]


@pytest.mark.parametrize(("heard", "name", "what"), WAITS)
def test_what_was_waited_for(heard: Phase | None, name: PhaseName, what: str) -> None:
    """P15: a load is told from a connection and from a prompt, and a guess from what is known: a bare sign
    of life says nothing."""
    phases = begun()
    if heard is not None:
        phases.hear(heard, 101.0)
    said, hint = phases.waited_for(name)

    assert said == what
    assert hint.endswith((".", "?"))


def test_why_there_is_no_connection() -> None:
    """P15: where attempts failed, the last one's failure is in the message."""
    phases = begun()
    phases.say("connecting", 101.0, "again in 2.0 s: nobody answers")

    assert phases.waited_for("connecting")[0] == "a connection (again in 2.0 s: nobody answers)"
