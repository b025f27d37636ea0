"""Keys, from variables and files.

Law of this file: no message holds a key, nor anything that may be one because it stands where a name should.
A key is ASCII that can be printed, without white space around it: anything else was not meant so.
"""

import re
from collections.abc import Mapping

from tokenweir.config.plain_file import UnreadableError, read_plain_file
from tokenweir.config.reading import Key, Reading
from tokenweir.config.schema import Config

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CERTAIN = re.compile(r"[A-Z_][A-Z0-9_]*")
_SIZE = 16 * 1024


def backend_keys(reading: Reading, config: Config, environ: Mapping[str, str]) -> dict[str, str]:
    """The key of each backend that has one."""
    found: dict[str, str] = {}
    for name, way in config.ways().items():
        backend = config.all_backends()[name]
        env, file = (
            ((*way, "api_key_env"), backend.api_key_env),
            ((*way, "api_key_file"), backend.api_key_file),
        )
        if env[1] is not None and file[1] is not None:
            reading.wrong(file[0], "api_key_env is given too: a key comes from one of them")
            continue
        secret = _secret(reading, env, file, environ)
        if secret is not None:
            found[name] = secret
    return found


def client_keys(reading: Reading, config: Config, environ: Mapping[str, str]) -> dict[str, bytes]:
    """The key of each client, by its name."""
    found: dict[str, bytes] = {}
    for number, key in enumerate(config.server.api_keys):
        way = ("server", "api_keys", number)
        if key.name in found:
            reading.wrong((*way, "name"), f"the name {key.name!r} a second time")
        if (key.env is None) == (key.file is None):
            reading.wrong(way, "give `env` or `file`, and one of them only: where the key is")
            continue
        secret = _secret(reading, ((*way, "env"), key.env), ((*way, "file"), key.file), environ)
        if secret is None:
            continue
        same = next((name for name, other in found.items() if other == secret.encode()), None)
        if same is not None:
            reading.wrong(way, f"it is the same key as that of {same!r}")
        found[key.name] = secret.encode()
    return found


def _secret(
    reading: Reading, env: tuple[Key, str | None], file: tuple[Key, str | None], environ: Mapping[str, str]
) -> str | None:
    if env[1] is not None:
        return _from_variable(reading, env[0], env[1], environ)
    return None if file[1] is None else _from_file(reading, file[0], file[1])


def _from_variable(reading: Reading, key: Key, name: str, environ: Mapping[str, str]) -> str | None:
    if not _VARIABLE.fullmatch(name):
        reading.wrong(key, "this is no name of a variable: give the name, and in the variable the key")
        return None
    called = f"the variable {name}" if _CERTAIN.fullmatch(name) else "the variable that it names"
    value = environ.get(name)
    if value is None:
        reading.wrong(key, f"{called} is not set")
        return None
    return _checked(reading, key, called, value)


def _from_file(reading: Reading, key: Key, path: str) -> str | None:
    try:
        file = read_plain_file(path, _SIZE)
    except UnreadableError as why:
        reading.wrong(key, str(why))
        return None
    if file.open_to_all:
        reading.note(key, "every user of this machine can read the file: chmod o-r")
    text = file.data.decode("utf-8", "replace")
    return _checked(reading, key, "the file", text.removesuffix("\n").removesuffix("\r"))


def _checked(reading: Reading, key: Key, called: str, value: str) -> str | None:
    fault = None
    if not value:
        fault = "is empty"
    elif value != value.strip():
        fault = "holds a key with white space before or after it"
    elif not value.isascii() or not value.isprintable():
        fault = "holds no key: it has line ends, or characters that no header can hold"
    if fault is None:
        return value
    reading.wrong(key, f"{called} {fault}")
    return None
