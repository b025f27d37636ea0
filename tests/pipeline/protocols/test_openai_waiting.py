"""How clients are told of waiting."""

import pytest

from tokenweir.pipeline.events import Phase
from tokenweir.pipeline.protocols.openai_waiting import comment, waiting_line


@pytest.mark.parametrize(
    ("phase", "line"),
    [
        (Phase("connecting", None, None, 1.2), "connecting (1 s)"),
        (Phase("queued"), "waiting for a turn"),
        (Phase("loading", 0.42, None, 9.0), "loading the model (42 %)"),
        (Phase("loading", None, "from a backend", 0.4), "loading the model (0 s)"),
        (Phase("prefill", 0.0), "reading the prompt (0 %)"),
        (Phase("prefill", None, None, 12.9), "waiting for the first token (12 s)"),
    ],
)
def test_words(phase: Phase, line: str) -> None:
    """P16: what is known is said; a bare sign of life is no reading of a prompt."""
    assert waiting_line(phase) == line + "\n"


def test_comments() -> None:
    """PROTOCOLS 10.1: a line that no client sees, without a backend's text."""
    assert comment(Phase("loading", 0.425, "x\n\ndata: y")) == b": loading 0.42\n\n"
    assert comment(Phase("queued")) == b": queued\n\n"
