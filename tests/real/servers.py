"""The real servers: how each is installed and started, and in what it differs from the others.

Law of this file: a table. What it claims of a server is what the tests hold against it, and what
docs/backends.md tells.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from tests.real.weights import CONTEXT
from tokenweir.pipeline.events import FailureKind

KEY = "sk-a-key-of-these-tests"
"""For the servers that know keys."""

_LLAMA_SERVER = """
import sys, threading
import xllamacpp

told = xllamacpp.CommonParams()
told.model.path, told.port, told.n_ctx = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
told.model_alias, told.api_keys = set(["tiny"]), [sys.argv[4]]
told.n_parallel, told.n_batch, told.n_ubatch, told.cpuparams.n_threads = 1, 32, 32, 1
server = xllamacpp.Server(told)
threading.Event().wait()
"""
"""xllamacpp is llama-server as a library: its own loop and its own HTTP, without the program around them."""


class Server(NamedTuple):
    """One kind of server. Fields with a default say what most of them do."""

    name: str
    provider: str
    packages: Sequence[str]
    """Whose versions tell what was run."""
    called: str
    """What the doctor calls it."""
    command: Sequence[str]
    """`{bin}` is where its programs are, `{folder}` and `{file}` are the model in its two forms."""
    model: str = "tiny"
    """What it is asked for."""
    key: str | None = None
    separates: bool = True
    """It tells reasoning and tool calls apart from text; else their tags stand in the text."""
    counts: bool = True
    """A stream ends with usage."""
    wrong_model: FailureKind | None = None
    """What comes of a name that it does not have; None where it answers all the same."""
    bad_parameter: FailureKind = "bad_request"
    too_long: FailureKind | None = None
    """What comes of a prompt beyond the context; None where it just goes on."""
    tells_prefill: bool = False
    """It tells how much of the prompt it has read."""
    own_parameters: Mapping[str, Any] = MappingProxyType({})
    """Some that only it takes."""
    others: Sequence[str] = ()
    """Other providers by which it can be asked, each with all that it has to do for that."""
    unknown_parameter: FailureKind | None = None
    """What comes of one that it does not know; None where it does not look."""
    lists: bool = True
    """Its list of models holds the model."""
    context: int | None = None
    """The context that the list tells, in tokens."""
    marks_the_end: bool = True
    """A stream ends with `[DONE]`."""
    stops_reading: bool = False
    """It stops within a second, too, when it is left while it reads the prompt."""

    @property
    def group(self) -> str:
        """Its dependency group in pyproject.toml."""
        return f"real-{self.name}"


SERVERS: Mapping[str, Server] = {
    server.name: server
    for server in (
        Server(
            "llama-server",
            "llamacpp",
            ("xllamacpp",),
            "llama-server",
            ("{bin}/python", "-c", _LLAMA_SERVER, "{file}", "{port}", str(CONTEXT), KEY),
            key=KEY,
            too_long="context_length",
            tells_prefill=True,
            others=("openai-responses", "anthropic"),
            stops_reading=True,
            own_parameters={"cache_prompt": False, "mirostat": 0, "min_p": 0.1, "top_k": 5},
            context=CONTEXT,
        ),
        Server(
            "llama-cpp-python",
            "openai-compatible",
            ("llama-cpp-python",),
            "llama-cpp-python",
            (
                *("{bin}/python", "-m", "llama_cpp.server", "--model", "{file}", "--model_alias", "tiny"),
                *("--n_ctx", str(CONTEXT), "--port", "{port}", "--api_key", KEY),
            ),
            key=KEY,
            separates=False,
            counts=False,
            bad_parameter="upstream",
            too_long="truncated",
            others=("llamacpp",),
            own_parameters={"mirostat_mode": 0, "min_p": 0.1, "repeat_penalty": 1.0},
        ),
        Server(
            "mlx",
            "mlx",
            ("mlx-lm", "mlx"),
            "mlx_lm.server",
            (
                *("{bin}/mlx_lm.server", "--model", "{folder}", "--port", "{port}"),
                *("--prefill-step-size", "256"),
            ),
            model="{folder}",
            wrong_model="model_not_found",
            tells_prefill=True,
            own_parameters={"repetition_penalty": 1.0, "xtc_probability": 0.0, "top_k": 5},
        ),
        Server(
            "transformers",
            "openai-compatible",
            ("transformers", "torch"),
            "transformers serve",
            (
                *("{bin}/transformers", "serve", "{folder}", "--host", "127.0.0.1", "--port", "{port}"),
                *("--device", "cpu"),
            ),
            model="{folder}",
            wrong_model="bad_request",
            bad_parameter="upstream",
            others=("openai-responses",),
            lists=False,
            marks_the_end=False,
            own_parameters={"chat_template_kwargs": {"enable_thinking": True}},
            unknown_parameter="bad_request",
        ),
    )
}
"""By name. vLLM is not among them: what installs from PyPI needs a GPU."""


class Made(NamedTuple):
    """The model on the disk."""

    folder: Path
    file: Path
