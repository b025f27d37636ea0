"""Protocols are found by name."""

from importlib import import_module

import pytest

from tests.chat import chunk, item
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Delta, Done, Start
from tokenweir.stages import decode_protocol
from tokenweir.stages.decode_protocol import PROTOCOLS


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_is_there(name: str) -> None:
    """DESIGN 8: each name of the table makes a decoder."""
    module, _, attribute = PROTOCOLS[name].partition(":")
    stage = decode_protocol(name)

    assert hasattr(import_module(module), attribute)
    assert (stage.name, stage.takes) == (f"decode_protocol({name})", "wire")
    assert stage.core().feed([]) == []


def test_cores_share_nothing() -> None:
    """DESIGN 4: a stage is a recipe; each stream has its own core."""
    stage = decode_protocol("openai-chat")
    one, other = stage.core(), stage.core()

    assert one.feed([item(chunk(content="Hi"))]) == other.feed([item(chunk(content="Hi"))])


def test_no_such_protocol() -> None:
    """Options are checked when the stage is made; the message has the names that there are."""
    with pytest.raises(MisuseError, match=r"'openai'.*openai-chat"):
        decode_protocol("openai")


def test_options_arrive() -> None:
    """DESIGN 5: the provider's name is in `Start`; a backend without finish reasons may end so."""
    stage = decode_protocol("openai-chat", provider="there", finish_required=False)
    out = stage.core().feed([item(chunk(content="Hi")), item(b"[DONE]")])

    assert out == [Start("a", "there", "m", 7), Delta("Hi"), Done()]
