"""What was meant by a key that does not exist."""

import pytest
from msgspec import Struct

from tokenweir.config.kinds import kind_of
from tokenweir.config.near import near_key, nearest
from tokenweir.config.schema import Backend, Config, Key, Limits, Server


@pytest.mark.parametrize(
    ("struct", "name", "said"),
    [
        (Backend, "bas_url", "; did you mean 'base_url'?"),
        (Backend, "Base-URL", "; did you mean 'base_url'?"),
        (Backend, "url", "; did you mean 'base_url'?"),
        (Backend, "model", "; did you mean 'default_model'?"),
        (Backend, "models", "; did you mean 'allowed_models'?"),
        (Backend, "mode", " here; did you mean 'streaming.mode'?"),
        (Backend, "timeout", " here; did you mean 'http.timeout_secs'?"),
        (Backend, "temperature", " here; did you mean 'defaults.temperature'?"),
        (Backend, "api_key_fil", "; did you mean 'api_key_file'?"),
        (
            Backend,
            "apiKey",
            ": write the NAME of a variable, api_key_env: LLM_API_KEY, and put the key into it: ",
        ),
        (Key, "key", ": write the NAME of a variable, env: LAPTOP_KEY, and put the key into it: "),
        (
            Server,
            "api_key",
            ": no key stands in a configuration; write api_keys: [{name: laptop, env: LAPTOP_KE",
        ),
        (Server, "allow-no-key", "; did you mean 'allow_no_key'?"),
        (Server, "log_level", "; did you mean 'log'?"),
        (Server, "temperature", ". There are: host, port, "),
        (Limits, "token", "; did you mean 'max_tokens'?"),
        (Limits, "secret", ". There are: max_streams, "),
        (Config, "port", " here; did you mean 'server.port'?"),
        (Config, "api_key", " here; below inference: write the NAME of a variable, api_key_env: LLM_API_KEY"),
    ],
)
def test_a_key_that_is_none(struct: type[Struct], name: str, said: str) -> None:
    """C03: the slip of a pen, a part of a name, a level too high; a secret is told where it goes."""
    assert near_key(name, kind_of(struct)).startswith(said)


def test_a_name_without_an_end() -> None:
    """P28: it costs no time."""
    assert nearest("x" * 1_000_000, ["port"]) == ". There are: port"
