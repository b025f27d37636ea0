"""Which backend answers for a model, by which name, and what is said where nobody does."""

from math import inf

import pytest

from tests.gateway.configured import loaded
from tokenweir.gateway.refused import Refused
from tokenweir.gateway.routing import allowed, targets_of
from tokenweir.gateway.setup import Setup
from tokenweir.pipeline.events import Failure
from tokenweir.pipeline.models import Model

pytestmark = pytest.mark.anyio

DOWN = None


def a_setup(
    lists: dict[str, list[str] | None], routes: list[dict[str, object]] | None = None, **settings: object
) -> Setup:
    """Backends that list these models; one without a list does not answer. `settings` are the first one's."""
    backends: dict[str, dict[str, object]] = {
        name: {"provider": "openai-compatible", "base_url": f"http://{name}.test"} for name in lists
    }
    backends[next(iter(lists))] |= settings
    setup = Setup(loaded({"backends": backends, "routes": routes or []}))
    for name, models in lists.items():
        catalog = setup.backends[name].catalog
        catalog.models = None if models is None else [Model(model) for model in models]
        catalog.failure = Failure("connect", "down") if models is None else None
        catalog.asked = inf
    return setup


async def found(setup: Setup, model: str | None) -> list[tuple[str, str | None]]:
    """The names of the backends, and the model that each is asked for."""
    return [(target.served.name, target.model) for target in await targets_of(setup, model)]


async def test_whoever_has_the_model_answers() -> None:
    """By its exact name, wherever it is; the first backend wins where two have it."""
    setup = a_setup({"a": ["one", "both"], "b": ["two", "both"]})

    assert await found(setup, "two") == [("b", "two")]
    assert await found(setup, "both") == [("a", "both")]
    assert await found(setup, "b/both") == [("b", "both")]


async def test_a_unique_part_of_a_name_is_enough() -> None:
    """Over all backends; a part of two names is refused, and says which."""
    setup = a_setup({"a": ["qwen3-8b"], "b": ["llama-3-8b"]})

    assert await found(setup, "qwen") == [("a", "qwen3-8b")]
    with pytest.raises(Refused, match=r"qwen3-8b, llama-3-8b"):
        await targets_of(setup, "8b")


async def test_a_model_that_nobody_has_is_refused_with_what_there_is() -> None:
    """404, and the nearest names (R08)."""
    setup = a_setup({"a": ["qwen3-8b"], "b": ["llama-3"]})

    with pytest.raises(Refused) as refused:
        await targets_of(setup, "qwen3-9b")

    assert refused.value.status == 404
    assert "nearest: qwen3-8b" in str(refused.value)
    assert "llama-3" in str(refused.value)


async def test_a_backend_that_does_not_answer_is_believed_last() -> None:
    """It may have what the others do not; what they have, they are asked for."""
    setup = a_setup({"a": DOWN, "b": ["two"]})

    assert await found(setup, "two") == [("b", "two")]
    assert await found(setup, "three") == [("a", "three")]


@pytest.mark.parametrize("model", [None, "local-model"])
async def test_no_model_means_the_default_one(model: str | None) -> None:
    """And without one, the one that is there."""
    assert await found(a_setup({"a": ["x", "y"]}, default_model="y"), model) == [("a", "y")]
    assert await found(a_setup({"a": ["x"]}), model) == [("a", "x")]
    with pytest.raises(Refused, match="say which is meant"):
        await targets_of(a_setup({"a": ["x", "y"]}), model)


async def test_the_only_model_need_not_be_loaded() -> None:
    """Its backend loads it at the request."""
    setup = a_setup({"a": ["x"]})
    setup.backends["a"].catalog.models = [Model("x", "not_loaded")]

    assert await found(setup, None) == [("a", "x")]


async def test_a_default_of_local_model_is_whatever_is_loaded() -> None:
    """As the documents of LM Studio have it."""
    assert await found(a_setup({"a": ["x"]}, default_model="local-model"), "local-model") == [("a", "x")]


async def test_routes_come_first() -> None:
    """A name or a pattern; several backends, one after the other; a name of its own there."""
    routes: list[dict[str, object]] = [
        {"model": "fast", "backends": ["b"], "ask_for": "two"},
        {"model": "gpt-*", "backends": ["a", "b"], "ask_for": "both"},
    ]
    setup = a_setup({"a": ["one", "both"], "b": ["two", "both"]}, routes)

    assert await found(setup, "fast") == [("b", "two")]
    assert await found(setup, "gpt-4o") == [("a", "both"), ("b", "both")]
    assert await found(setup, "one") == [("a", "one")]


async def test_a_route_passes_over_whoever_lacks_the_model() -> None:
    """As long as somebody has it; whoever is down is asked all the same, and fails in its own words."""
    routes: list[dict[str, object]] = [{"model": "*", "backends": ["a", "b", "c"]}]
    setup = a_setup({"a": ["one"], "b": ["two"], "c": DOWN}, routes)

    assert await found(setup, "two") == [("b", "two"), ("c", "two")]
    with pytest.raises(Refused, match="available: one"):
        await targets_of(a_setup({"a": ["one"], "b": ["two"], "c": ["x"]}, routes), "three")


async def test_a_route_asks_whoever_is_down_last() -> None:
    """Each attempt at a backend that does not answer costs the client time."""
    routes: list[dict[str, object]] = [{"model": "*", "backends": ["a", "b"]}]

    assert await found(a_setup({"a": DOWN, "b": ["two"]}, routes), "two") == [("b", "two"), ("a", "two")]


async def test_no_model_means_one_of_a_backend_that_answers() -> None:
    """And where none does, that is what is said, and not that the client should have named one."""
    setup = a_setup({"a": DOWN, "b": ["two"]}, provider="ollama")
    assert await found(setup, None) == [("b", "two")]

    with pytest.raises(Refused, match="a: no answer; name a model") as refused:
        await targets_of(a_setup({"a": DOWN}, provider="ollama"), None)
    assert refused.value.status == 502


async def test_a_default_model_that_is_not_there_is_told_as_that() -> None:
    """The client has never named it."""
    with pytest.raises(Refused, match="the default model of 'a': there is no model 'z'"):
        await targets_of(a_setup({"a": ["x"]}, default_model="z"), "local-model")


async def test_what_is_there_and_not_allowed_is_counted() -> None:
    """Else it would say that the backend has none."""
    with pytest.raises(Refused, match="allowed_models leaves out 1 that are there"):
        await targets_of(a_setup({"a": ["x"]}, allowed_models=["z"]), "z")


async def test_only_allowed_models_can_be_asked() -> None:
    """Names or unique parts of names, and what is not there yet counts by its name."""
    setup = a_setup({"a": ["qwen3-8b", "llama-3"]}, allowed_models=["qwen", "nobody"])

    assert await found(setup, "qwen3-8b") == [("a", "qwen3-8b")]
    with pytest.raises(Refused) as refused:
        await targets_of(setup, "llama-3")
    assert "available: qwen3-8b" in str(refused.value)
    assert allowed(setup.backends["a"], None) is None

    down = a_setup({"a": DOWN}, allowed_models=["Qwen3-8b"])
    assert await found(down, "qwen3-8b") == [("a", "qwen3-8b")]
    with pytest.raises(Refused):
        await targets_of(down, "llama-3")


@pytest.mark.parametrize("asked", ["good-70b-expensive", "evil/../good", "http://127.0.0.1:1/good"])
async def test_a_part_of_a_name_allows_nothing_without_a_list(asked: str) -> None:
    """P25: `allowed_models` may have parts of names, which a list makes whole; where a backend does not tell
    its models, any name might have that part. It may be the right one, so it is a failure of the backend."""
    alone = a_setup({"a": DOWN}, allowed_models=["good"])
    beside = a_setup({"a": DOWN, "b": ["other"]}, allowed_models=["good"])

    for setup, name in ((alone, asked), (beside, asked), (beside, f"a/{asked}")):
        with pytest.raises(Refused, match="does not tell its models") as refused:
            await targets_of(setup, name)
        assert refused.value.status == 502
    assert await found(alone, "good") == await found(beside, "good") == [("a", "good")]


@pytest.mark.parametrize("name", ["../../etc/passwd", "http://evil.test/v1", "a\r\nHost: x", "b//", "*"])
async def test_a_name_is_only_a_name(name: str) -> None:
    """P25, R08: it picks no host, and a pattern in a request matches nothing."""
    with pytest.raises(Refused) as refused:
        await targets_of(a_setup({"a": ["one"], "b": ["two"]}), name)

    assert refused.value.status == 404
