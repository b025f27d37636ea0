"""Real servers that read a long prompt: what they tell meanwhile is told on."""

import pytest

from tests.reader import hear
from tests.real.reading import reasoning
from tests.real.running import Running
from tests.real.vocabulary import REASONING, SAID
from tokenweir import Pipeline
from tokenweir.stages import reasoning_split

pytestmark = pytest.mark.anyio

PROMPT = "y" * 2000


async def test_the_prompt_s_progress(served: Running) -> None:
    """P16: keep-alive comments (mlx) and progress chunks (llama-server) are phases, and never text."""
    async with served.connect() as source:
        heard = await hear(Pipeline(source).stream(f"{PROMPT} [text]", max_tokens=20))

    told = [
        phase.progress for phase in heard.phases if phase.name == "prefill" and phase.progress is not None
    ]
    assert heard.text == SAID["[text]"]
    assert told == sorted(told)
    assert (len(told) > 3) == served.server.tells_prefill
    assert all(0 <= progress <= 1 for progress in told)


async def test_every_way_of_asking(served: Running) -> None:
    """The other protocols that a server speaks give the same answer, after a prompt that takes its time."""
    for provider in served.server.others:
        async with served.connect(provider) as source:
            prompt = f"{provider} {PROMPT} [think]"
            heard = await hear(Pipeline(source, reasoning_split()).stream(prompt, max_tokens=100))

        assert heard.text.strip() == SAID["[think]"], provider
        assert reasoning(heard).strip().startswith("".join(REASONING).strip()), provider


async def test_a_prompt_without_a_chat(served: Running) -> None:
    """`/v1/completions`: no template stands around the prompt, and the model goes on where it ends."""
    async with served.connect("openai-compatible", completions=True) as source:
        heard = await hear(Pipeline(source).stream("[text]\n", max_tokens=20))

    assert heard.text == SAID["[text]"]
    assert heard.end.outcome == "complete"
