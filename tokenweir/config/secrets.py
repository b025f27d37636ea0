"""Keys, from variables and files.

Law of this file: no message holds a key, nor anything that may be one because it stands where a name should.
A key is ASCII that can be printed, without white space around it: anything else was not meant so.
"""

import re
from collections.abc import Mapping

from tokenweir.config.plain_file import UnreadableError, read_plain_file
from tokenweir.config.reading import Key, Reading
from tokenweir.config.remedy import EXAMPLES
from tokenweir.config.schema import Config

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CERTAIN = re.compile(r"_*[A-Z][A-Z0-9]*(?:_+[A-Z0-9]+)+|_*[A-Z]{2,12}")
"""What is no key for certain: words in capitals, joined. Capitals and digits alone may be one."""
_SCHEME = re.compile(r"(?:bearer|basic) ", re.IGNORECASE)
_SIZE = 16 * 1024
_SECRET = re.compile(
    r"(?:^|[_-]|(?<=[a-z])(?=[A-Z]))(?i:api_?keys?|keys?|tokens?|secrets?|passw(?:or)?ds?|authorization|auth|"
    r"credentials?|cookies?)$"
)
_FIGURE = re.compile(r"(?:max|min|num|n|completion|prompt|budget|stop|thinking)\w*tokens$", re.IGNORECASE)


def names_secret(name: str) -> bool:
    """Whether what stands under a name is a secret, as the name says.

    >>> [names_secret(name) for name in ("api_key", "OPENAI_API_KEY", "accessToken", "my_keys", "max_tokens")]
    [True, True, True, True, False]
    """
    if name.lower() == "headers":
        return True
    return _SECRET.search(name) is not None and _FIGURE.match(name) is None


def named_place(name: str) -> str:
    """How a key gets into a variable, and the variable's name into the file.

    >>> print(named_place("api_key_env"))
    write the NAME of a variable, api_key_env: LLM_API_KEY, and put the key into it: export LLM_API_KEY=...
    """
    variable = EXAMPLES[name][0]
    return f"write the NAME of a variable, {name}: {variable}, and put the key into it: export {variable}=..."


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
        nameless = reading.faulty(*way, "name")
        if key.name in found and not nameless:
            reading.wrong((*way, "name"), f"the name {key.name!r} a second time")
        if (key.env is None) == (key.file is None):
            reading.wrong(way, "give `env` or `file`, and one of them only: where the key is")
            continue
        secret = _secret(reading, ((*way, "env"), key.env), ((*way, "file"), key.file), environ)
        if secret is None or nameless:
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
    if name.startswith("$") and _CERTAIN.fullmatch(bare := name.strip("${}")):
        reading.wrong(key, f"a variable is named without $ and braces: {key[-1]}: {bare}")
        return None
    if not _VARIABLE.fullmatch(name):
        reading.wrong(key, f"this is no name of a variable: {named_place(str(key[-1]))}")
        return None
    certain = _CERTAIN.fullmatch(name) is not None
    called = f"the variable {name}" if certain else "the variable that it names"
    value = environ.get(name)
    if value is None:
        what = (
            f": export {name}=..." if certain else f". If it is the key itself, {named_place(str(key[-1]))}"
        )
        reading.wrong(key, f"{called} is not set{what}")
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
    elif _SCHEME.match(value):
        fault = "holds more than a key: leave out the word before it, which the header has"
    elif not value.isascii() or not value.isprintable():
        fault = "holds no key: it has line ends, or characters that no header can hold"
    if fault is None:
        return value
    reading.wrong(key, f"{called} {fault}")
    return None
