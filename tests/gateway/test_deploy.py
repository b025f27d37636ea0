"""The files of examples/deploy: what they name is there, and what they set is a setting.

Law of this file: they are read as their programs read them, as far as that can be had here; nothing is
deployed.
"""

import configparser
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.clients.gateway_process import GatewayProcess, free_port, serving
from tokenweir.config.read import Loaded, read_config

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "examples" / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", "")
COMPOSE: Any = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
UNIT = (DEPLOY / "tokenweir.service").read_text("utf-8")


def instructions(name: str) -> list[str]:
    """What a kind of instruction of the Dockerfile says, in order."""
    return re.findall(rf"^{name} +(.+?) *$", DOCKERFILE, re.MULTILINE)


@pytest.fixture(scope="module")
def gateway() -> Iterator[GatewayProcess]:
    """A gateway that serves the simulator's model."""
    with serving({"backends": {"one": {"provider": "simulator"}}}) as one:
        yield one


class Unit(configparser.ConfigParser):
    """systemd's names have capitals."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def service() -> configparser.SectionProxy:
    """The unit's main section; of a setting that stands there twice, the last one."""
    unit = Unit(interpolation=None, strict=False)
    unit.read_string(UNIT)
    return unit["Service"]


def read(environ: Mapping[str, str], path: Path | None, secret: Path) -> Loaded:
    """A configuration whose key is in `secret`, wherever the files say that it is."""
    secret.write_text("a-key\n", "utf-8")
    secret.chmod(0o600)
    told = {
        name: re.sub(r"(/run/secrets|%d)/gateway_key", str(secret), value) for name, value in environ.items()
    }
    return read_config(path, told)


def test_the_compose_file_sets_what_there_is(tmp_path: Path) -> None:
    """Every variable is a key of the configuration, the key is found, and the drain ends before the kill."""
    loaded = read(COMPOSE["services"]["gateway"]["environment"], None, tmp_path / "key")

    assert loaded.warnings == ()
    assert loaded.keys == {"everybody": b"a-key"}
    assert loaded.config.inference is not None
    assert loaded.config.inference.provider == "ollama"
    grace = float(COMPOSE["services"]["gateway"]["stop_grace_period"].removesuffix("s"))
    assert grace > loaded.config.server.drain_timeout_secs + 5


def test_the_compose_file_names_what_there_is() -> None:
    """Services, secrets, volumes and files."""
    services, gateway = COMPOSE["services"], COMPOSE["services"]["gateway"]
    context = (DEPLOY / gateway["build"]["context"]).resolve()

    assert context == ROOT
    assert (context / gateway["build"]["dockerfile"]).is_file()
    assert set(gateway["depends_on"]) <= set(services)
    assert set(gateway["secrets"]) == set(COMPOSE["secrets"])
    assert {volume.split(":")[0] for volume in services["ollama"]["volumes"]} == set(COMPOSE["volumes"])
    assert "healthcheck" in services["ollama"]
    host = gateway["environment"]["INFERENCE_INFERENCE_BASE_URL"].removeprefix("http://").split(":")[0]
    assert host in services


def test_the_unit_and_its_configuration(tmp_path: Path) -> None:
    """The file that the unit names is ours and is right with its variables; it has time to drain."""
    found = re.findall(r"^Environment=(.+)$", UNIT, re.MULTILINE)
    environ = dict(shlex.split(one)[0].split("=", 1) for one in found)
    command = shlex.split(service()["ExecStart"])
    loaded = read(environ, DEPLOY / Path(command[-1]).name, tmp_path / "key")

    assert command[1:3] == ["serve", "--config"]
    assert loaded.warnings == ()
    assert loaded.keys == {"everybody": b"a-key"}
    assert float(service()["TimeoutStopSec"]) > loaded.config.server.drain_timeout_secs + 5
    assert service()["LoadCredential"].split(":")[0] == "gateway_key"
    assert service()["RestartPreventExitStatus"] == "2"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """Every setting is one of systemd's; the program is one that is here."""
    unit = tmp_path / "tokenweir.service"
    unit.write_text(UNIT.replace("/opt/tokenweir/bin/tokenweir", sys.executable), "utf-8")
    command = ["systemd-analyze", "verify", "--man=no", str(unit)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_image_is_built_from_what_there_is() -> None:
    """What is copied is there, the extras exist, and the Python is one that tokenweir takes."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    kept = re.findall(r"^!(.+)$", (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8"), re.MULTILINE)
    extras = re.findall(r"'\.\[(.+?)\]'", "".join(instructions("RUN")))[0].split(",")
    versions = re.findall(r"python:3\.(\d+)-slim", "".join(instructions("FROM")))

    assert [name for name in kept if not (ROOT / name).exists()] == []
    assert {"pipeline", "stages", "sinks", "tokenweir", "pyproject.toml"} <= set(kept)
    assert set(extras) <= set(project["optional-dependencies"])
    assert set(versions) == {"11"}
    assert project["requires-python"] == ">=3.11"


def test_the_image_runs_as_nobody_and_hears_signals() -> None:
    """No root; the exec form, since a shell as process 1 passes no SIGTERM on; unbuffered output."""
    [user], [entry] = instructions("USER"), instructions("ENTRYPOINT")

    assert int(user) > 0
    assert json.loads(entry) == ["tokenweir", "serve"]
    assert instructions("CMD") == []
    assert "PYTHONUNBUFFERED=1" in " ".join(instructions("ENV"))


def health_check(port: int) -> int:
    """The image's check, run here against another port; its exit code."""
    command = json.loads(instructions("HEALTHCHECK")[0].partition(" CMD ")[2])
    assert command[0] == "python"
    assert "3000" in command[-1]
    code = command[-1].replace("3000", str(port))
    ran = subprocess.run([sys.executable, *command[1:-1], code], capture_output=True, check=False)
    return ran.returncode


def test_the_image_knows_whether_it_is_live(gateway: GatewayProcess) -> None:
    """P22: 0 where a gateway answers, and not where none does."""
    assert health_check(int(gateway.url.rpartition(":")[2])) == 0
    assert health_check(free_port()) == 1


def test_sigterm_ends_it_well() -> None:
    """P19: as `docker stop` and systemd do it; 0, and not by the signal."""
    with serving({"backends": {"one": {"provider": "simulator"}}}) as one:
        code = one.end()

        assert code == 0
        assert "stopped" in one.log
