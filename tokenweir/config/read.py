"""A configuration, from a file, the environment and flags: checked, and all its faults at once.

Law of this file: the order of things. A flag wins over a variable, and a variable over the file.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tokenweir.config.check import check
from tokenweir.config.environment import read_environment
from tokenweir.config.meaning import check_meaning
from tokenweir.config.reading import ConfigError, Place, Reading
from tokenweir.config.schema import Config
from tokenweir.config.secrets import backend_keys, client_keys
from tokenweir.config.yaml_file import read_yaml_file
from tokenweir.pipeline.json_value import as_object

__all__ = ["ConfigError", "Loaded", "read_config"]

_LM_STUDIO = frozenset({"provider", "base_url", "default_model", "allowed_models", "http"})
_LM_STUDIO_HTTP = frozenset(
    {"timeout_secs", "connect_timeout_secs", "keep_alive_secs", "max_idle_connections"}
)
_LM_STUDIO_DEFAULTS: Mapping[str, Any] = {"max_tokens": 100, "temperature": 0.7}
"""What LM Studio's provider adds to a request, for configurations that are written for it."""


class Loaded(Struct, frozen=True, kw_only=True):
    """A configuration that can be used. `keys` are the clients' keys by their names, `backend_keys` those of
    the backends; neither is ever shown. `warnings` are lines for people; `source` says what it came from."""

    config: Config
    keys: dict[str, bytes]
    backend_keys: dict[str, str]
    warnings: tuple[str, ...]
    source: str

    def __repr__(self) -> str:
        return f"Loaded({self.source!r}, {len(self.keys)} keys of clients)"

    def __rich_repr__(self) -> Any:
        """As `repr`: the one of a Struct would show the keys."""
        yield self.source


def read_config(
    path: Path | None,
    environ: Mapping[str, str] = os.environ,
    *,
    flags: Mapping[str, Any] | None = None,
) -> Loaded:
    """The configuration in the file at `path`, if there is one, with what the environment and the flags say
    in its place. `flags` are values by their keys, as `{"server.port": 4000}`; None is a flag that was not
    given. A configuration without backends is one too: see find_backends.

    Raises ConfigError, which holds everything that is wrong.

    >>> read_config(None, {"INFERENCE_SERVER_PORT": "4000"}).config.server.port
    4000
    """
    reading = Reading(Place("environment")) if path is None else read_yaml_file(path)
    if path is not None and not reading.values:
        reading.settle()  # the variables of what could not be read would all seem wrong
    variables = read_environment(reading, environ)
    theirs = _is_of_lm_studio(reading.values)
    for name, value in (flags or {}).items():
        if value is not None:
            flag = "--" + name.rpartition(".")[2].replace("_", "-")
            reading.put(tuple(name.split(".")), value, Place(flag, names=True))
    config = check(reading)
    check_meaning(reading, config)
    backends, clients = backend_keys(reading, config, environ), client_keys(reading, config, environ)
    reading.settle()
    if theirs and config.inference is not None:
        config = replace(config, inference=replace(config.inference, defaults=dict(_LM_STUDIO_DEFAULTS)))
        said = ", ".join(f"{name} {value}" for name, value in _LM_STUDIO_DEFAULTS.items())
        reading.note(
            ("inference",), f"requests that do not say otherwise get {said}; `defaults: {{}}` ends that"
        )
    return Loaded(
        config=config,
        keys=clients,
        backend_keys=backends,
        warnings=tuple(reading.notes),
        source=_named(path, variables),
    )


def _is_of_lm_studio(values: Mapping[str, Any]) -> bool:
    """Whether this is LM Studio's form, and nothing else: one section, and of its keys only the oldest."""
    inference = as_object(values.get("inference"))
    known = inference.keys() <= _LM_STUDIO and as_object(inference.get("http")).keys() <= _LM_STUDIO_HTTP
    return known and list(values) == ["inference"] and inference.get("provider") == "lmstudio"


def _named(path: Path | None, variables: int) -> str:
    parts = [] if path is None else [str(path)]
    if variables:
        parts.append("1 variable" if variables == 1 else f"{variables} variables")
    return " and ".join(parts) or "no configuration"
