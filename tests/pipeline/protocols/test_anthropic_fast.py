"""The quick way through a delta of text."""

import msgspec
import pytest

from tokenweir.pipeline.protocols.anthropic_fast import TextDelta, ThinkingDelta, decode_fast


def payload(delta: str, more: str = "") -> bytes:
    """A payload with this delta."""
    return f'{{"type":"content_block_delta","index":3,"delta":{delta}{more}}}   '.encode()


def test_what_it_takes() -> None:
    """Text and thinking, in any order of the fields, and with the API's spaces at the end."""
    assert decode_fast(payload('{"type":"text_delta","text":"é"}')) == TextDelta("é")
    assert decode_fast(payload('{"thinking":"Hm","type":"thinking_delta"}')) == ThinkingDelta("Hm")


@pytest.mark.parametrize(
    "data",
    [
        payload('{"type":"text_delta","text":"a","logprob":1}'),
        payload('{"type":"text_delta","text":"a"}', ',"more":1'),
        payload('{"type":"text_delta","text":null}'),
        payload(r'{"type":"text_delta","text":"\ud83d"}'),
        payload('{"type":"input_json_delta","partial_json":"1"}'),
        payload('{"text":"a"}'),
        b'{"type":"ping"}',
        b"[DONE]",
        payload('{"type":"text_delta","text":"\ufffd"}').replace(b"\xef\xbf\xbd", b"\xff"),
    ],
)
def test_what_goes_the_long_way(data: bytes) -> None:
    """V08, V09, V17: every other field, type and value, so that nothing is dropped unseen."""
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        decode_fast(data)


def test_too_deep_a_payload() -> None:
    """V11: said as what it is, for who calls it to catch."""
    with pytest.raises(RecursionError):
        decode_fast(b'{"type":' + b'{"a":' * 100_000)
