"""What others offer is found by its name, when it is asked for and not before."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.distributions import install
from tokenweir import connect
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.plugins import plugin
from tokenweir.pipeline.sources.lmstudio import LMStudio
from tokenweir.pipeline.sources.openai_compatible import OpenAICompatible

SOURCE = """
from tokenweir.pipeline.sources.openai_compatible import OpenAICompatible

class Source(OpenAICompatible):
    provider = "plugtest"

def no_source(**options):
    return "a string"

number = 3
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that distributions can be installed into."""
    monkeypatch.syspath_prepend(tmp_path)  # pyright: ignore[reportUnknownMemberType] - pytest's own annotation
    return tmp_path


def offer(folder: Path, distribution: str = "plug-test", **sources: str) -> None:
    """Install a distribution that offers these sources."""
    module = f"plug_module_{folder.name.replace('-', '_')}"
    values = {name: value.replace("MODULE", module) for name, value in sources.items()}
    install(folder, distribution, {"tokenweir.sources": values}, {f"{module}.py": SOURCE})


def test_a_source_is_found_by_its_name(folder: Path) -> None:
    """`connect` gives it the options, as it does to one of ours."""
    offer(folder, plugtest="MODULE:Source")

    source = connect("plugtest", "http://localhost:9", model="m")

    assert isinstance(source, OpenAICompatible)
    assert (source.provider, source.model, source.base_url) == ("plugtest", "m", "http://localhost:9/v1")


def test_a_name_of_ours_is_ours(folder: Path) -> None:
    """Nobody can put something else in its place."""
    offer(folder, lmstudio="MODULE:Source")

    assert type(connect("lmstudio")) is LMStudio


def test_the_nearest_name_may_be_somebody_elses(folder: Path) -> None:
    """They are in the list of what there is."""
    offer(folder, plugtest="MODULE:Source")

    with pytest.raises(
        MisuseError, match=r"no provider 'plugtes'; did you mean 'plugtest'\? There are: .*plug"
    ):
        connect("plugtes")
    with pytest.raises(MisuseError, match=r"no provider 'zzz'\. There are: anthropic, "):
        connect("zzz")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            "no_such_module:Source",
            "cannot be loaded from 'no_such_module:Source': ModuleNotFoundError: No module",
        ),
        ("MODULE:NoSuchName", "cannot be loaded from .*: AttributeError: "),
        ("MODULE:number", "is 3: its entry point must name a function or class"),
    ],
)
def test_a_broken_one_is_told_to_who_asks(value: str, said: str, folder: Path) -> None:
    """With the distribution's name; the others are found all the same."""
    offer(folder, broken=value, fine="MODULE:Source")

    assert connect("fine", "http://localhost:9").provider == "plugtest"
    with pytest.raises(MisuseError, match=f"the provider 'broken' of plug-test 1.0 {said}"):
        connect("broken")


def test_two_of_one_name(folder: Path) -> None:
    """Which one is meant is not guessed."""
    offer(folder, "first", same="MODULE:Source")
    offer(folder, "second", same="MODULE:Source")

    with pytest.raises(MisuseError, match=r"'same' is offered by first 1\.0 and second 1\.0"):
        connect("same")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"colour": "red"}, r"connect\('plugtest'\): .*unexpected keyword argument 'colour'"),
        ({"base_url": "localhost"}, "give an address like http://"),
    ],
)
def test_its_options_are_checked_by_it(options: dict[str, str], said: str, folder: Path) -> None:
    """And answered as with one of ours."""
    offer(folder, plugtest="MODULE:Source")

    with pytest.raises(MisuseError, match=said):
        connect("plugtest", **options)


def test_what_is_no_source(folder: Path) -> None:
    """A function may stand behind the name, but it must make a source."""
    offer(folder, strange="MODULE:no_source")

    with pytest.raises(MisuseError, match=r"made 'a string', which is no tokenweir\.Source"):
        connect("strange")


def test_groups_do_not_mix(folder: Path) -> None:
    """A source is no stage."""
    offer(folder, plugtest="MODULE:Source")

    with pytest.raises(MisuseError, match=r"no stage 'plugtest'\. There are: take"):
        plugin("tokenweir.stages", "plugtest", ["take"])


def test_nobody_pays_who_asks_for_nothing_of_others() -> None:
    """Reading what is installed takes tens of milliseconds: names of ours do without."""
    program = (
        "import sys, tokenweir; tokenweir.connect('lmstudio'); print('importlib.metadata' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ran.stdout == "False\n"
