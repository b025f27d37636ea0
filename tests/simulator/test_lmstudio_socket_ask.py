"""What LM Studio's websocket is asked, read."""

import msgspec
import pytest

from tokenweir.pipeline.protocols.lmstudio_native import prediction
from tokenweir.pipeline.request import Request
from tokenweir.simulator.lmstudio_socket_ask import model_in, read_prediction

TOOL = {"type": "function", "function": {"name": "look"}}


def test_a_prediction() -> None:
    """What our own source asks, as the vendor's does."""
    system, user = {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}
    options = {"max_tokens": 5, "tools": [TOOL], "temperature": 0.5}
    asked = prediction(Request((system, user), "m", options=options))
    ask = read_prediction({**asked, "modelSpecifier": {"type": "query", "query": {"identifier": "m"}}})

    assert (ask.model, ask.limit, ask.stream) == ("m", 5, True)
    assert [(message.role, message.content) for message in ask.messages] == [
        ("system", "Be brief."),
        ("user", "Hi"),
    ]
    assert ask.offers("look")


def test_a_limit_that_is_switched_off() -> None:
    """-1 is none."""
    asked = prediction(Request(({"role": "user", "content": "Hi"},), options={"max_tokens": -1}))

    assert read_prediction(asked).limit is None


@pytest.mark.parametrize("parameter", [None, {}, {"history": {"messages": []}}])
def test_nothing_to_answer(parameter: object) -> None:
    """It is refused."""
    with pytest.raises(msgspec.ValidationError):
        read_prediction(parameter)


def test_which_model_is_meant() -> None:
    """By its identifier, or by its instance."""
    assert model_in({"type": "instanceReference", "instanceReference": "r"}) == "r"
    assert model_in({"type": "query", "query": {}}) == ""
