"""In the same environment, azcred's presets get the same identity as the programs with their names, or fail alike."""

import itertools
import json
import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import chain_page
import pieces as p
import terminal
from environments import ALONE, ASKED_BY, ASKS, CI, CODE, ENVIRONMENTS, ERROR, NOTHING, PRESETS, PROGRAMS
from interactive import Interactive
from scene import who
from way import HERE

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the tools of the environments are shell scripts")

PAGE = HERE.parent / "docs" / "chain-compared.md"
# For all environments together. The slowest program takes about ten seconds.
PROGRAM_WITHIN = 100


def possible(scene, all_environments):
    """The environments that this machine can make. The others are printed, so that they don't count as passed."""
    here = [environment for environment in all_environments if environment.is_possible(scene)]
    for environment in all_environments:
        if environment not in here:
            print("NOT COMPARED, as this machine can't make it:", environment.name)
    return here


def differences(expected, got):
    """The differences from the table, one in each line."""
    return "\n".join(
        f"{environment.name}\n    the table: {expected(environment)}\n    in truth:  {outcome}\n    {said}"
        for environment, (outcome, said) in got
        if outcome != expected(environment)
    )


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_table_matches_the_program(program, scene):
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
    said = [json.loads(line) for line in done.stdout.splitlines()]
    got = zip(asked, map(theirs, said), strict=True)
    assert not (wrong := differences(lambda e: e.theirs(program), got)), wrong
    for environment, answer in zip(asked, said, strict=True):
        # kedro-azureml-pipeline repeats azure-identity's own prompt.
        once = [way for way, _ in itertools.groupby(answer.get("asks", []))]
        assert once in ([], ASKED_BY.get(program)), environment.name


def theirs(answer):
    if "claims" in answer:
        return who(answer["claims"]), ""
    return ASKS * bool(answer["asks"]) + (answer["code"] or answer["failed"]), answer["said"]


def presets(column, scene, asked, ask, *also):
    """azcred's outcomes in all these environments, with further variables."""
    alone = {"AZURE_TOKEN_CREDENTIALS": ALONE[column]} if column in ALONE else {}
    made = [
        scene.variables(environment.pieces) | alone | more
        for environment, more in zip(asked, itertools.cycle(also or [{}]))
    ]
    # azcred waits for a host that fails: all environments at once take no longer than one.
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda variables: ask(scene, PRESETS[column], variables), made))
    return zip(asked, answers, strict=True)


@pytest.mark.parametrize("column", PRESETS)
def test_at_a_terminal_the_preset_matches_the_program_or_the_tables_difference(column, scene):
    asked = possible(scene, [e for e in ENVIRONMENTS if e.expected(column) and e.has_terminal])
    answers = list(presets(column, scene, asked, at_a_terminal))
    got = [(environment, answer[:2]) for environment, answer in answers]
    assert not (wrong := differences(lambda e: e.expected(column), got)), wrong
    for environment, (_, _, asks) in answers:
        if asks:
            assert asks[0] == environment.asks_by(column), environment.name
        if asks and not environment.pieces:
            assert asks == [name for name, _ in ASKED_BY[column]]


@pytest.mark.parametrize("column", PRESETS)
def test_without_a_terminal_there_is_no_prompt(column, scene):
    asked = possible(scene, [e for e in ENVIRONMENTS if e.expected(column)])
    got = presets(column, scene, asked, without_a_terminal)
    assert not (wrong := differences(lambda e: e.expected_alone(column), got)), wrong


@pytest.mark.parametrize("column", PRESETS)
def test_in_a_ci_job_there_is_no_prompt_even_with_a_terminal(column, scene):
    asked = possible(scene, [e for e in ENVIRONMENTS if e.expected(column).startswith(ASKS)])
    got = [(e, answer[:2]) for e, answer in presets(column, scene, asked, at_a_terminal, *CI)]
    assert not (wrong := differences(lambda e: e.expected_alone(column), got)), wrong


@pytest.mark.parametrize(
    ("column", "piece"),
    [
        ("azcred", None),
        ("kedro", p.WRONG_SECRET),
        ("kedro", p.choice("prod")),
        ("hi-ml", p.AZ_EXPIRED),
        ("azure", p.choice("InteractiveBrowserCredential")),
    ],
    ids=lambda value: value if isinstance(value, str) else value.says if value else "nothing",
)
def test_azcred_token_prompts_as_azcred_chain_announces(column, piece, scene, tmp_path):
    command = [scene.emulator.binary, "token", "--preset", column]
    variables = scene.variables([piece] if piece else [])
    with Interactive(command, variables, tmp_path, terminal=True) as program:
        if ASKED_BY[column][0][0] == CODE:
            assert program.says(r"/common/oauth2/deviceauth")
        else:
            assert program.address().startswith("https://login.microsoftonline.com/")


def without_a_terminal(scene, preset, variables):
    done = subprocess.run(
        [scene.emulator.binary, "whoami", "--preset", preset, "--output", "json"],
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PROGRAM_WITHIN,
    )
    if done.returncode == 0:
        return principal(json.loads(done.stdout)), ""
    assert done.stdout == "", done.stdout
    return failure(json.loads(done.stderr)["error"], done.returncode), done.stderr


def at_a_terminal(scene, preset, variables):
    """The outcome, the output, and the credentials with which a person would be prompted.

    `azcred chain` shows them without a prompt, so that the test does not wait for a person.
    """
    command = [scene.emulator.binary, "chain", "--preset", preset, "--output", "json"]
    code, output, written = terminal.run(command, variables, PROGRAM_WITHIN)
    said, asks = json.loads(output), []
    for attempt in said["attempts"]:
        # The source after the first one that prompts would be next.
        if attempt["verdict"] == "would-ask" or asks and attempt["verdict"] == "not-needed":
            asks.append(attempt["credential"])
    if said["error"] is None:
        assert code == 0 and not asks, output
        return principal(said["principal"]), "", asks
    return ASKS * bool(asks) + failure(said["error"], code), f"{output}\n{written}", asks


def principal(said):
    return who({"oid": said["objectId"], "appid": said["applicationId"], "tid": said["tenantId"]})


def failure(error, code):
    assert error["what"] and error["why"] and error["fix"], error
    if error.get("code"):
        assert code == 4, error
        return error["code"]
    if error["kind"] == "notSignedIn":
        assert code == 3, error
        return NOTHING
    return ERROR


def test_every_listed_difference_differs():
    for environment in ENVIRONMENTS:
        for column, listed in environment.ours.items():
            assert listed.outcome != (same := environment.theirs(column)), (
                f"{environment.name}: {column} gives {same}, as azcred does"
            )
            assert listed.why.endswith("."), listed.why


def test_every_environment_is_in_the_table_once():
    names = Counter(environment.name for environment in ENVIRONMENTS)
    assert len(names) >= 40
    assert [name for name, times in names.items() if times > 1] == []


def test_the_page_matches_the_table():
    page = Path(PAGE).read_text(encoding="utf-8").replace("\r\n", "\n")
    assert page == chain_page.page(), "write it again: python interop/chain_page.py docs/chain-compared.md"
