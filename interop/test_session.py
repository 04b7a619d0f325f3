"""A program with the library, `azcred token` and `azcred whoami` get the same identity in every environment.

Or they fail alike. Each has a separate home folder, so that none finds what another has stored.
"""

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jwt
import pytest

from environments import ENVIRONMENTS, ERROR, NOTHING
from scene import who
from test_same_identity import PROGRAM_WITHIN, differences, possible, principal

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the tools of the environments are shell scripts")


def by_nothing(variables, project):
    """Names no preset, so that the default one is used."""


def by_variable(variables, project):
    variables["AZCRED_PRESET"] = "azure"


def by_project(variables, project):
    (project / "azcred.toml").write_text('[chain]\npreset = "kedro"\n', encoding="utf-8")


def by_user(variables, project):
    variables["XDG_CONFIG_HOME"] = variables["HOME"] + "/.config"
    for folder in (".config", "Library/Application Support"):
        settings = Path(variables["HOME"], folder, "azcred")
        settings.mkdir(parents=True)
        (settings / "config.toml").write_text('[chain]\npreset = "hi-ml"\n', encoding="utf-8")


# Each preset is named in another way. A program that does not read one of them fails.
WAYS = {"azcred": by_nothing, "azure": by_variable, "kedro": by_project, "hi-ml": by_user}


@pytest.mark.parametrize("preset", WAYS)
def test_a_program_gets_the_same_identity_as_the_commands(preset, scene, tmp_path):
    environments = possible(scene, ENVIRONMENTS)
    programs = {"token": token, "whoami": whoami, "the library": library}

    def ask(number_and_environment):
        number, environment = number_and_environment
        outcomes = {}
        for name, program in programs.items():
            variables = scene.variables(environment.pieces)
            folder = tmp_path / f"{number}-{name}" / "below"
            folder.mkdir(parents=True)
            WAYS[preset](variables, folder.parent)
            outcomes[name] = program(scene.emulator.binary, variables, folder)
        return outcomes

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, enumerate(environments)))
    assert len(answers) == len(environments) > 0
    for other in ("whoami", "the library"):
        got = [
            (environment, (outcomes[other], f"the table is what token has, in truth is what {other} has"))
            for environment, outcomes in zip(environments, answers, strict=True)
        ]
        by_token = {e.name: outcomes["token"] for e, outcomes in zip(environments, answers, strict=True)}
        assert not (wrong := differences(lambda e, by=by_token: by[e.name], got)), wrong
    # The named preset is used: without a terminal, it does not prompt.
    got = [(e, (outcomes["token"], "")) for e, outcomes in zip(environments, answers, strict=True)]
    assert not (wrong := differences(lambda e: e.expected_alone(preset), got)), wrong


def run(command, variables, folder):
    return subprocess.run(
        command,
        env=variables,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PROGRAM_WITHIN,
    )


def token(binary, variables, folder):
    done = run([binary, "token", "--output", "json"], variables, folder)
    if done.returncode:
        return failure(json.loads(done.stderr)["error"])
    claims = jwt.decode(json.loads(done.stdout)["accessToken"], options={"verify_signature": False})
    return who(claims)


def whoami(binary, variables, folder):
    done = run([binary, "whoami", "--output", "json"], variables, folder)
    if done.returncode:
        return failure(json.loads(done.stderr)["error"])
    return principal(json.loads(done.stdout))


def library(_, variables, folder):
    done = run([os.environ["AZCRED_SESSION"]], variables, folder)
    said = json.loads(done.stdout)
    return failure(said) if done.returncode else principal(said)


def failure(error):
    if error.get("code"):
        return error["code"]
    # The names of the commands and of the library.
    return NOTHING if error["kind"] in ("notSignedIn", "Unavailable") else ERROR
