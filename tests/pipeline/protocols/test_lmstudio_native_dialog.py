"""What is said when, over LM Studio's websocket."""

import json
from collections.abc import Sequence
from typing import Any

from tokenweir.pipeline.protocols.lmstudio_native_dialog import NativeDialog

PREDICT = {"history": {"messages": ()}}
OK = '{"success":true}'


def dialog(load: Any = None) -> NativeDialog:
    """One prediction; of the loaded models, the last is meant."""

    def last(loaded: Sequence[str]) -> str:
        return loaded[-1]

    return NativeDialog(("who", "key"), load, PREDICT, last)


def said(messages: list[str]) -> list[Any]:
    """As values."""
    return [json.loads(message) for message in messages]


def heard(talk: NativeDialog, **message: Any) -> list[Any]:
    """What is said to a message."""
    return said(talk.heard(json.dumps(message)))


def test_a_model_that_is_loaded_first() -> None:
    """Who asks, the load, the prediction for what was loaded, and nothing more."""
    talk = dialog({"identifier": "m"})
    assert said(talk.begin()) == [{"authVersion": 1, "clientIdentifier": "who", "clientPasskey": "key"}]
    assert said(talk.leave()) == []

    (load,) = said(talk.heard(OK))
    assert (load["endpoint"], load["channelId"], load["creationParameter"]) == (
        "getOrLoad",
        1,
        {"identifier": "m"},
    )
    assert said(talk.leave()) == [{"type": "channelSend", "channelId": 1, "message": {"type": "cancel"}}]
    assert (
        heard(talk, type="channelSend", channelId=1, message={"type": "loadProgress", "progress": 0.5}) == []
    )

    info = {"identifier": "m:2"}
    (ask,) = heard(talk, type="channelSend", channelId=1, message={"type": "loadSuccess", "info": info})
    assert (ask["endpoint"], ask["channelId"]) == ("predict", 2)
    assert ask["creationParameter"] == {
        "modelSpecifier": {"type": "query", "query": {"identifier": "m:2"}},
        "history": {"messages": []},
    }
    assert heard(talk, type="channelSend", channelId=2, message={"type": "fragment"}) == []
    assert said(talk.leave())[0]["channelId"] == 2


def test_whatever_is_loaded() -> None:
    """Is asked for, and chosen from."""
    talk = dialog()
    assert said(talk.heard(OK)) == [{"type": "rpcCall", "endpoint": "listLoaded", "callId": 1}]
    assert heard(talk, type="keepAliveAck") == []
    (ask,) = heard(talk, type="rpcResult", callId=1, result=[{"identifier": "a"}, {"identifier": "b"}])

    assert ask["creationParameter"]["modelSpecifier"]["query"] == {"identifier": "b"}


def test_what_is_no_answer() -> None:
    """A refusal, and what is no JSON: nothing is said to either."""
    assert dialog().heard('{"success":false}') == []
    assert dialog().heard("<html>") == []
