"""The payload that nearly every payload is, and nothing else."""

import msgspec
import pytest

from tokenweir.pipeline.protocols.openai_responses_fast import Said, decode_fast


def test_a_delta() -> None:
    """With all that the API sends, and with as little as emulators send."""
    full = (
        b'{"type":"response.output_text.delta","content_index":0,"delta":"Hi","item_id":"msg_0",'
        b'"logprobs":[],"obfuscation":"xy","output_index":1,"sequence_number":4}'
    )

    assert decode_fast(full).delta == "Hi"
    assert decode_fast(b'{"type":"t","delta":""}') == Said("t", "")


@pytest.mark.parametrize(
    "data",
    [
        b'{"type":"t","delta":"a","odd":1}',
        b'{"type":"t","delta":"a","logprobs":[{}]}',
        b'{"type":"t","delta":7}',
        b'{"type":"t","text":"a"}',
        b"[DONE]",
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    """So that nothing is dropped unseen."""
    with pytest.raises(msgspec.DecodeError):
        decode_fast(data)
