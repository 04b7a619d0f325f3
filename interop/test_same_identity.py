"""In the same environment, our presets sign in as the programs do that they are named after, or are refused alike."""

import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import chain_page
from arc_agent import agents_folder
from emulator import Emulator
from environments import ALONE, ASKS, ENVIRONMENTS, ERROR, NOTHING, PRESETS, PROGRAMS
from scene import Keys, Scene, who
from way import HERE

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the tools of the environments are shell scripts")

PAGE = HERE.parent / "docs" / "chain-compared.md"
# For all environments together; the slowest takes some ten seconds.
PROGRAM_WITHIN = 100


@pytest.fixture(scope="module")
def scene(binary, tmp_path_factory):
    folder = tmp_path_factory.mktemp("scene")
    keys = Keys(folder)
    with (
        agents_folder() as arc,
        Emulator(binary, tmp_path_factory.mktemp("emulator"), keys.seed) as emulator,
        Scene(emulator, keys, folder, arc) as made,
    ):
        yield made


def possible(scene, all_environments):
    """Those that can be made here. What can't is said, and never counted as passed in silence."""
    here = [environment for environment in all_environments if environment.is_possible(scene)]
    for environment in all_environments:
        if environment not in here:
            print("NOT COMPARED, as this machine can't make it:", environment.name)
    return here


def differences(expected, got):
    """What is not as the table has it, a line each."""
    return "\n".join(
        f"{environment.name}\n    the table: {expected(environment)}\n    in truth:  {outcome}\n    {said}"
        for environment, (outcome, said) in got
        if outcome != expected(environment)
    )


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_table_has_what_the_program_does(program, scene):
    if program == "kedro" and sys.version_info < (3, 11):
        pytest.skip("kedro-azureml-pipeline is for Python 3.11 and later")
    asked = possible(scene, [e for e in ENVIRONMENTS if e.theirs(program)])
    lines = "".join(json.dumps(scene.variables(environment.pieces)) + "\n" for environment in asked)
    done = subprocess.run(
        [sys.executable, HERE / "programs" / "choose.py", program],
        input=lines,
        env=scene.base,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PROGRAM_WITHIN,
    )
    assert done.returncode == 0, f"{done.stderr}\n--- emulator:\n{scene.emulator.said()}"
    answers = [theirs(json.loads(line)) for line in done.stdout.splitlines()]
    got = zip(asked, answers, strict=True)
    assert not (wrong := differences(lambda e: e.theirs(program), got)), wrong


def theirs(answer):
    if "claims" in answer:
        return who(answer["claims"]), ""
    return ASKS * answer.get("asks", False) + (answer["code"] or answer["failed"]), answer["said"]


@pytest.mark.parametrize("column", PRESETS)
def test_the_preset_does_what_the_program_does_or_what_the_table_says_instead(column, scene):
    asked = possible(scene, [e for e in ENVIRONMENTS if e.expected(column)])
    alone = {"AZURE_TOKEN_CREDENTIALS": ALONE[column]} if column in ALONE else {}
    variables = [scene.variables(environment.pieces) | alone for environment in asked]
    # Ours waits as it is told to, for a host that fails: all at once is no slower than one.
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(lambda made: ours(scene.emulator.binary, PRESETS[column], made), variables)
        )
    got = zip(asked, answers, strict=True)
    assert not (wrong := differences(lambda e: e.expected(column), got)), wrong


def ours(binary, preset, variables):
    done = subprocess.run(
        [binary, "whoami", "--preset", preset, "--output", "json"],
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PROGRAM_WITHIN,
    )
    if done.returncode == 0:
        said = json.loads(done.stdout)
        return who({"oid": said["objectId"], "appid": said["applicationId"], "tid": said["tenantId"]}), ""
    assert done.stdout == "", done.stdout
    error = json.loads(done.stderr)["error"]
    assert error["what"] and error["why"], error
    if error.get("code"):
        assert done.returncode == 4, done.stderr
        return error["code"], done.stderr
    if error["kind"] == "unavailable":
        assert done.returncode == 3, done.stderr
        return NOTHING, done.stderr
    return ERROR, f"exit code {done.returncode}: {done.stderr}"


def test_what_is_listed_as_a_difference_is_one():
    for environment in ENVIRONMENTS:
        for column, listed in environment.ours.items():
            same = environment.theirs(column).removeprefix(ASKS)
            assert listed.outcome != same, f"{environment.name}: {column} gives {same}, as ours does"
            assert listed.why.endswith("."), listed.why


def test_an_environment_is_in_the_table_once():
    names = Counter(environment.name for environment in ENVIRONMENTS)
    assert len(names) >= 40
    assert [name for name, times in names.items() if times > 1] == []


def test_the_page_is_the_table():
    page = Path(PAGE).read_text(encoding="utf-8").replace("\r\n", "\n")
    assert page == chain_page.page(), "write it anew: python interop/chain_page.py docs/chain-compared.md"
