"""`tokenweir doctor`: what a backend is, how it behaves, and what tokenweir does about it.

Law of this file: the command line into values, and findings onto the terminal. What is found out stands
in tokenweir/doctor.
"""

import os
import sys

import anyio
import click
from rich.console import Console

from tokenweir.cli.app import COMPLETE, INCOMPLETE, WRONG_USE, Failed
from tokenweir.cli.json_lines import json_line, utf8_output
from tokenweir.cli.worded import here
from tokenweir.doctor.address import Address, read_address
from tokenweir.doctor.examine import examine
from tokenweir.doctor.ports import PORTS, look_around
from tokenweir.doctor.report import finding_lines, found_lines, summary
from tokenweir.pipeline.sources.profile import Finding, Profile

_LOADING = "asking; a model may be loading"


@click.command(short_help="Find out what a backend is, and how it behaves.")
@click.option("--model", metavar="M", help="Whom to ask. By default the loaded model, or the smallest.")
@click.option("--api-key-env", metavar="VAR", help="The environment variable that holds the key.")
@click.option("--yes", is_flag=True, help="Ask a hosted API too, though it may cost money.")
@click.option("--json", "as_json", is_flag=True, help="Print the profile that connect(profile=...) takes.")
@click.argument("url", required=False)
def doctor(*, url: str | None, model: str | None, api_key_env: str | None, yes: bool, as_json: bool) -> int:
    """Examine the backend at URL with a few small requests, and report. Without URL, look for servers on
    this machine, and ask them nothing.

    The exit code is 0 where nothing is bad, 1 where something is, 2 for wrong use and where nothing is
    there.
    """
    if url is None:
        if model or api_key_env or yes:
            raise click.UsageError("--model, --api-key-env and --yes are about a server: give its URL")
        return anyio.run(_look_around, as_json)
    return anyio.run(_examine, read_address(url), model, _key(api_key_env), yes, as_json)


def _key(variable: str | None) -> str | None:
    if variable is not None and not os.environ.get(variable):
        raise click.UsageError(
            f"--api-key-env {variable}: there is no such environment variable, or it is empty"
        )
    return None if variable is None else os.environ[variable]


async def _look_around(as_json: bool) -> int:  # noqa: FBT001 - anyio.run passes no names
    found = await look_around()
    if not found:
        ports = ", ".join(map(str, PORTS))
        raise _Nothing(f"no server of models answers on this machine (ports {ports}); give its URL")
    for one in found:
        if as_json:
            base_url = one.address.base_url(one.server.provider)
            profile = Profile(server=str(one.server), provider=one.server.provider, base_url=base_url)
            utf8_output().write(json_line(profile))
        else:
            click.echo(found_lines(one))
    return COMPLETE


class _Nothing(Failed):
    """Nothing is there to examine."""

    exit_code = WRONG_USE


async def _examine(
    address: Address,
    model: str | None,
    key: str | None,
    yes: bool,  # noqa: FBT001 - as above
    as_json: bool,  # noqa: FBT001 - as above
) -> int:
    status = Console(stderr=True).status(_LOADING) if sys.stderr.isatty() else None
    findings: list[Finding] = []

    def tell(finding: Finding) -> None:
        findings.append(finding)
        if not as_json:
            if status is not None:
                status.stop()
            click.echo(here(finding_lines(finding)))
            if status is not None:
                status.start()

    if status is not None:
        status.start()
    try:
        profile = await examine(address, tell, model=model, key=key, may_ask=address.local or yes)
    finally:
        if status is not None:
            status.stop()
    if as_json and profile is not None:
        utf8_output().write(json_line(profile))
    elif as_json:
        click.echo(here("\n".join(map(finding_lines, findings))), err=True)
    else:
        click.echo(summary(findings))
    return _code(profile, findings)


def _code(profile: Profile | None, findings: list[Finding]) -> int:
    if profile is None:
        return WRONG_USE
    return INCOMPLETE if any(finding.verdict == "bad" for finding in findings) else COMPLETE
