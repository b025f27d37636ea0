"""What real servers tell of their models, and what the doctor finds."""

import json
import os
from collections.abc import Mapping
from typing import Any

import anyio
import pytest

from tests.cli.shell import run
from tests.real.running import Running
from tests.real.vocabulary import SAID
from tokenweir import Pipeline, connect
from tokenweir.pipeline.errors import CannotError

pytestmark = pytest.mark.anyio


async def test_the_list_of_models(served: Running) -> None:
    """The model by its name, with its context where the server tells."""
    async with served.connect() as source:
        models = await source.models()

    assert [model.id for model in models] == [served.model] * served.server.lists
    assert [model.context for model in models] == [served.server.context] * served.server.lists
    assert all(model.state == ("loaded" if model.context else "unknown") for model in models)


async def test_none_of_them_unloads_its_only_model(served: Running) -> None:
    """A clear "this backend cannot", and nothing is lost by asking."""
    async with served.connect() as source:
        with pytest.raises(CannotError):
            await source.unload(served.model)
        text = await Pipeline(source).text("[text]", max_tokens=20)

    assert text == SAID["[text]"]


def test_the_doctor(served: Running) -> None:
    """Its verdicts are what the table says of this server, and what it writes down connects."""
    key = served.server.key
    given = ["--model", served.model, *(["--api-key-env", "KEY_OF_THE_TEST"] if key else [])]
    env = {**os.environ, **({"KEY_OF_THE_TEST": key} if key else {})}
    code, told, error = run("doctor", served.url, "--json", *given, env=env)
    profile = json.loads(told)
    verdicts: Mapping[str, str] = {one["name"]: one["verdict"] for one in profile["findings"]}

    assert (code, error) == (0, "")
    assert (profile["provider"], profile["model"]) == (served.server.provider, served.model)
    assert served.server.called in profile["server"]
    assert not [name for name, verdict in verdicts.items() if verdict == "bad"]
    assert {
        name: verdicts[name] for name in ("answer", "text", "finish", "one-shot", "cancel")
    } == dict.fromkeys(("answer", "text", "finish", "one-shot", "cancel"), "ok")
    assert (verdicts["end"] == "ok") == served.server.marks_the_end
    assert (verdicts["usage"] == "ok") == served.server.counts
    assert (verdicts["wrong model"] == "ok") == (served.server.wrong_model == "model_not_found")
    assert (verdicts["bad parameter"] == "ok") == (served.server.bad_parameter == "bad_request")
    assert anyio.run(_text, profile, key) == SAID["[text]"]


async def _text(profile: Mapping[str, Any], key: str | None) -> str:
    async with connect(profile=profile, api_key=key) as source:
        return await Pipeline(source).text("[text]", max_tokens=20)
