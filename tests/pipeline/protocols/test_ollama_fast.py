"""The fast path reads what it knows, and refuses everything else."""

from collections.abc import Callable

import msgspec
import pytest

from tests.feeding import run_items
from tokenweir.pipeline.events import Delta, SSEEvent
from tokenweir.pipeline.protocols import ollama_decode
from tokenweir.pipeline.protocols.ollama_fast import Said, fast_chat, fast_generate
from tokenweir.stages.decode_protocol import decode_protocol

HEAD = b'{"model":"m","created_at":"t",'
CHAT = HEAD + b'"message":{"role":"assistant","content":"Hi","thinking":"Hm"},"done":false}'
GENERATE = HEAD + b'"response":"Hi","thinking":"Hm","done":false}'


@pytest.mark.parametrize(("fast", "data"), [(fast_chat, CHAT), (fast_generate, GENERATE)])
def test_text_and_nothing_else(fast: Callable[[bytes], Said | None], data: bytes) -> None:
    """The last line is not its business, nor is a field that it does not know."""
    said = fast(data)

    assert said is not None
    assert (said.content, said.thinking) == ("Hi", "Hm")
    assert fast(data.replace(b"false", b"true")) is None
    for other in (data.replace(b'"done"', b'"logprobs":[],"done"'), data.replace(b'"Hi"', b"5"), b"{}", b"{"):
        with pytest.raises(msgspec.DecodeError):
            fast(other)


@pytest.mark.parametrize(("name", "data"), [("ollama-chat", CHAT), ("ollama-generate", GENERATE)])
def test_it_means_what_the_long_way_means(name: str, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same events with it and without it, half surrogates and refused lines in between."""
    half = data.replace(b"Hi", rb"\ud83d"), data.replace(b"Hi", rb"\ude00")
    odd = data.replace(b'"done"', b'"x":1,"done"')
    items = [SSEEvent(line) for line in (data, data, *half, data, *[odd] * 9, data)]
    quick = run_items(decode_protocol(name), items)
    monkeypatch.setattr(ollama_decode, "_MISSES", 0)

    assert run_items(decode_protocol(name), items) == quick
    assert quick.count(Delta("😀")) == 1
