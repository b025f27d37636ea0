"""The models of a simulated LM Studio."""

from typing import Any

import msgspec

from tokenweir.simulator.lmstudio_models import listed, listed_v0, load_reply_to, unload_reply_to
from tokenweir.simulator.load import Loads
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.reply import Reply

TWO = Quirks(provider="lmstudio", models=("a", "b"), load_seconds=10)


def said(reply: Reply) -> tuple[int, float, Any]:
    """Status, when it comes, and the body."""
    [frame] = reply.frames
    return reply.status, frame.at, msgspec.json.decode(frame.data)


def test_both_lists_tell_what_is_loaded() -> None:
    """PROTOCOLS 3.2, 3.4: an instance where it is loaded, and not while it loads."""
    loads = Loads(10)
    loads.begin("a", 0.0)

    first, second = listed(TWO, loads, 10.0)["models"]
    assert [instance["id"] for instance in first["loaded_instances"]] == ["a"]
    assert (first["key"], second["key"], second["loaded_instances"]) == ("a", "b", [])
    assert listed(TWO, loads, 9.9)["models"][0]["loaded_instances"] == []
    states = [(model["id"], model["state"]) for model in listed_v0(TWO, loads, 10.0)["data"]]
    assert states == [("a", "loaded"), ("b", "not-loaded")]


def test_a_load_answers_when_it_is_done() -> None:
    """PROTOCOLS 3.4: it blocks, and tells how long it took; who comes later waits less."""
    loads = Loads(10)
    status, at, told = said(load_reply_to(b'{"model":"a"}', TWO, loads, 0.0, ""))

    assert (status, at) == (200, 10.0)
    assert told == {"type": "llm", "instance_id": "a", "load_time_seconds": 10.0, "status": "loaded"}
    body = b'{"model":"a","context_length":512,"echo_load_config":true}'
    status, at, told = said(load_reply_to(body, TWO, loads, 4.0, ""))
    assert (at, told["load_config"]["context_length"]) == (6.0, 512)


def test_an_unload_takes_what_is_loaded() -> None:
    """It names the instance."""
    loads = Loads(10)
    loads.begin("a", 0.0)

    assert said(unload_reply_to(b'{"instance_id":"a"}', TWO, loads, 10.0, "")) == (
        200,
        0.0,
        {"instance_id": "a"},
    )
    assert not loads.is_loaded("a", 10.0)
    assert said(unload_reply_to(b'{"instance_id":"a"}', TWO, loads, 10.0, ""))[0] == 404


def test_refusals_have_its_form() -> None:
    """PROTOCOLS 3.3: an unknown model, and a body that cannot be read."""
    _, _, unknown = said(load_reply_to(b'{"model":"c"}', TWO, Loads(0), 0.0, ""))

    assert (unknown["error"]["type"], unknown["error"]["code"]) == ("model_not_found", "model_not_found")
    for reply_to, missing in ((load_reply_to, "model"), (unload_reply_to, "instance_id")):
        status, _, told = said(reply_to(b"{}", TWO, Loads(0), 0.0, ""))
        assert (status, told["error"]["type"], told["error"]["param"]) == (400, "invalid_request", missing)
