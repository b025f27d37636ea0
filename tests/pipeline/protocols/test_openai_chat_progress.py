"""What servers say while no token can come."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenweir.pipeline.events import Phase
from tokenweir.pipeline.protocols.openai_chat_progress import LoadingText, phase_of, prompt_progress


@pytest.mark.parametrize(
    ("comment", "name", "progress"),
    [
        ("keepalive 13/14", "prefill", 13 / 14),
        ("keep-alive: 1/4", "prefill", 0.25),
        ("loading 0.42", "loading", 0.42),
        ("prompt processing 512/2048", "prefill", 0.25),
        ("prefill 1/1 ", "prefill", 1.0),
        ("keepalive 0/0", "prefill", None),
        ("keepalive 5/4", "prefill", None),
        ("loading 1.2.3", "loading", None),
        ("loading 7", "loading", None),
        (f"keepalive 1/{'9' * 400}", "prefill", None),
        ("keep-alive", "prefill", None),
        ("OPENROUTER PROCESSING", "prefill", None),
        ("", "prefill", None),
    ],
)
def test_comments(comment: str, name: str, progress: float | None) -> None:
    """PROTOCOLS 1.2: a comment tells its progress where it has one; a part is between 0 and 1."""
    assert phase_of(comment) == Phase(name, progress, comment or None)  # type: ignore[arg-type]


@given(st.text(alphabet="keepalive loading prompt0123456789./ \u0663", max_size=40))
def test_any_comment(comment: str) -> None:
    """V12: whatever stands in a comment, a phase comes of it."""
    progress = phase_of(comment).progress

    assert progress is None or 0 <= progress <= 1


@pytest.mark.parametrize(
    ("told", "progress"),
    [
        ({"total": 4, "processed": 1, "cache": 0, "time_ms": 9}, 0.25),
        ({"total": 4, "processed": 0}, 0.0),
        ({"total": 4, "processed": 5}, None),
        ({"total": 0, "processed": 0}, None),
        ({"total": -1, "processed": -1}, None),
        ({"total": 10**400, "processed": 1}, None),
        ({"total": 4, "processed": 10**400}, None),
        ({"total": 4.0, "processed": 1.5}, 0.375),
        ({"total": "4", "processed": 1}, None),
        ({"processed": 1}, None),
        ([1], None),
        (None, None),
    ],
)
def test_prompt_progress(told: Any, progress: float | None) -> None:
    """PROTOCOLS 5.1, V12: processed of total, where that is a part of it."""
    phase = prompt_progress({"prompt_progress": told})

    assert phase == (None if progress is None else Phase("prefill", progress))


def bare(text: object, **more: Any) -> dict[str, Any]:
    """A chunk in the form of llama-swap's loading text."""
    return {"choices": [{"delta": {"reasoning_content": text, **more}}]}


@pytest.mark.parametrize(
    "first", ["\u2501\u2501\u2501\u2501\u2501", "\u2501\n", "llama-swap loading model: m"]
)
def test_loading_text(first: str) -> None:
    """PROTOCOLS 5.4: the loading text begins with a rule; from there on all bare chunks belong to it."""
    loading, head = LoadingText(), bare(first)

    assert loading.read(head, head["choices"]) == Phase("loading", None, first)
    assert loading.read(bare("dots..\ud83d"), bare("dots..\ud83d")["choices"]) == Phase(
        "loading", None, "dots..\ufffd"
    )


def test_loading_text_that_says_more() -> None:
    """DESIGN 3: a key that nobody knows makes it no part of the answer."""
    chunk: dict[str, Any] = {**bare("\u2501", role="assistant", new=1), "new": 2}

    assert LoadingText().read(chunk, chunk["choices"]) == Phase("loading", None, "\u2501")


@pytest.mark.parametrize(
    "chunk",
    [
        bare("\u2501", content="x"),
        bare("\u2501", tool_calls=[{}]),
        {"choices": [{"delta": {"reasoning_content": "\u2501"}, "finish_reason": None}]},
        {**bare("\u2501"), "id": "a"},
        {"choices": [{"index": 0, "delta": {"reasoning_content": "\u2501"}}]},
        {"choices": bare("\u2501")["choices"] * 2},
        {"choices": [{"delta": {"content": "\u2501"}}]},
        bare("Let me think"),
        bare(["a"]),
    ],
)
def test_what_is_no_loading_text(chunk: dict[str, Any]) -> None:
    """P1: a chunk that names anything, or that does not begin so, is part of the answer."""
    assert LoadingText().read(chunk, chunk["choices"]) is None
