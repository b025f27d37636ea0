"""What no encoder of a wire with one choice lets through."""

from collections.abc import Callable

import pytest

from tokenweir.pipeline.errors import StageError
from tokenweir.pipeline.events import Delta, Done, Event, Finish, Revise, Snapshot, ToolDelta
from tokenweir.pipeline.protocols.anthropic_encode import AnthropicEncode
from tokenweir.pipeline.protocols.encode import Encode
from tokenweir.pipeline.protocols.lmstudio_v1_encode import LMStudioV1Encode
from tokenweir.pipeline.protocols.ollama_encode import OllamaChatEncode, OllamaGenerateEncode
from tokenweir.pipeline.protocols.openai_responses_encode import OpenAIResponsesEncode

ENCODERS: list[Callable[[], Encode]] = [
    AnthropicEncode,
    LMStudioV1Encode,
    OllamaChatEncode,
    OllamaGenerateEncode,
    OpenAIResponsesEncode,
]
SECOND: list[Event] = [
    Delta("a", index=1),
    Snapshot("a", index=1),
    ToolDelta(0, "a", "f", index=1),
    Finish("stop", index=1),
]


@pytest.mark.parametrize("make", ENCODERS)
@pytest.mark.parametrize("event", SECOND, ids=lambda event: type(event).__name__)
def test_one_choice(make: Callable[[], Encode], event: Event) -> None:
    """A second choice has no form; the error says what to ask for."""
    with pytest.raises(StageError, match=r"[a-z0-9-]+ has one choice: ask for n=1"):
        make().feed([event])


@pytest.mark.parametrize("make", ENCODERS)
def test_text_is_not_taken_back(make: Callable[[], Encode]) -> None:
    """P4: nor has a revision; the error names the stage that helps."""
    core = make()
    with pytest.raises(StageError, match=rf"{core.name} cannot take text back: put append_only\(\) before"):
        core.feed([Revise(0, "a")])


@pytest.mark.parametrize("make", ENCODERS)
def test_nothing_after_the_end(make: Callable[[], Encode]) -> None:
    """P1: the end is the last that is written, once."""
    core = make()
    written = core.feed([Delta("a"), Finish("stop"), Done()])

    assert written != []
    assert core.feed([Delta("b"), Done(), Finish("stop"), Revise(0, "c")]) == []
    assert core.finish() == []
