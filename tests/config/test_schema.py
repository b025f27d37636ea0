"""The structs by themselves."""

import msgspec
import pytest

from tokenweir.config.schema import Backend, Config, Key


def test_defaults_are_nobodys() -> None:
    """P18: what one configuration holds is never another's."""
    one, other = Config(), Config()
    one.server.api_keys.append(Key(name="x", env="X"))
    one.backends["x"] = Backend(provider="x")
    one.backends["x"].defaults["a"] = 1

    assert (other.server.api_keys, other.backends, Backend(provider="x").defaults) == ([], {}, {})


def test_backends_in_their_order() -> None:
    """C07: `inference` first, and each with the way to its settings."""
    config = Config(inference=Backend(provider="a"), backends={"b": Backend(provider="b")})

    assert list(config.all_backends()) == ["inference", "b"]
    assert config.ways() == {"inference": ("inference",), "b": ("backends", "b")}
    assert Config().all_backends() == {}


@pytest.mark.parametrize("name", ["a\n", "-a", "A", "", "a" * 65, "a.b"])
def test_names(name: str) -> None:
    """P28: a name stands in URLs, metrics and variables."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"backends": {name: {"provider": "x"}}}, Config)
