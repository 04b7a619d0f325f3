"""`cargo xtask live` in the emulator, by Azure's real names."""

import json
import os
import re
import subprocess

import pytest

from emulator import bare_environment

WORKSPACE = (
    "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml"
    "/providers/Microsoft.MachineLearningServices/workspaces/ws-contoso-ml"
)


@pytest.fixture
def live(binary, tmp_path):
    """Runs it as a persona's account. Returns the process and the lines of its file."""

    def run(persona, workspace=WORKSPACE):
        output = tmp_path / "facts.jsonl"
        program = [
            os.environ["AZCRED_LIVE"],
            "--azcred",
            binary,
            "--workspace",
            workspace,
            "--output",
            output,
        ]
        done = subprocess.run(
            [binary, "emulator", "exec", "--as", persona, "--", *program],
            env=bare_environment(tmp_path),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        lines = output.read_text(encoding="utf-8").splitlines() if output.exists() else []
        return done, [json.loads(line) for line in lines]

    return run


def test_the_emulators_answers_are_the_recorded_ones_and_name_no_one(live):
    done, facts = live("azureml-job")
    assert done.returncode == 0, done.stderr
    flows = {fact["request"]["command"]: fact for fact in facts if "command" in fact["request"]}
    assert flows["whoami"]["response"]["kind"] == "user"
    assert flows["chain"]["response"]["chosen"] == "azureml-on-behalf-of"
    assert flows["doctor"]["response"]["checks"]
    answers = [fact for fact in facts if "command" not in fact["request"]]
    assert len(answers) >= 10
    assert [fact for fact in answers if fact["differences"]] == []
    for text in (json.dumps(facts), done.stdout):
        # Nothing of the person, the tenant or the workspace.
        assert not re.search(r"\bada\b|lovelace|contoso|5ec0ffee|c0a70500|ws-", text, re.IGNORECASE), text
    assert f"{len(answers)} answers: {len(answers)} as recorded, 0 with differences" in done.stdout


def test_a_difference_is_shown_without_names(live):
    # This account may read nothing there.
    done, facts = live("service-principal")
    assert done.returncode == 0, done.stderr
    different = [fact for fact in facts if fact.get("differences")]
    assert {fact["status"] for fact in different} == {403}
    assert "status: 200 is 403" in done.stdout
    assert "The client '<text>' with object id '<text>'" in done.stdout
    assert not re.search("contoso|5ec0ffee|c0a70500|a0000001", done.stdout), done.stdout


def test_a_file_that_is_there_is_kept(live, tmp_path):
    (tmp_path / "facts.jsonl").write_text('"kept"\n', encoding="utf-8")
    done, facts = live("azureml-job")
    assert done.returncode == 1
    assert "name a new file with --output" in done.stderr
    assert facts == ["kept"]


def test_nothing_is_left_of_a_run_without_an_account(live):
    done, facts = live("no-account")
    assert done.returncode == 1
    assert "no account is signed in" in done.stderr
    assert facts == []
    done, facts = live("azureml-job", workspace="ws-contoso-ml")
    assert done.returncode == 1 and facts == []
