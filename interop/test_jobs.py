"""Jobs of the emulator, as Azure ML's own clients see them: how they end, runs of the SDK v1, runs of MLflow."""

import json
import os
import subprocess
import sys

import pytest

from emulator import Emulator
from machine import Machine
from way import HERE

PROGRAMS = HERE / "programs"
WITHIN = 110


@pytest.fixture
def own(binary, tmp_path):
    """An emulator in which no other test submits a job."""
    with Emulator(binary, tmp_path / "azure") as started:
        yield started


def jobs(azure, *arguments):
    done = azure.azcred("emulator", "jobs", *arguments, "--state", azure.state)
    assert done.returncode == 0, done.stderr
    return done.stdout


def ran(azure, program, python, folder):
    """What a program reports, which runs in a folder as the service principal of `AZURE_*`."""
    machine = Machine(azure, "sp")
    place = azure.info["workspace"]
    variables = {
        "AZUREML_ARM_SUBSCRIPTION": place["subscription_id"],
        "AZUREML_ARM_RESOURCEGROUP": place["resource_group"],
        "AZUREML_ARM_WORKSPACE_NAME": place["name"],
    }
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return machine.start(python, PROGRAMS / program, variables=variables, cwd=folder, **pipes)


def said(process):
    try:
        out, err = process.communicate(timeout=WITHIN)
    finally:
        process.kill()
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[-1])


def test_a_streamed_job_completes_fails_or_is_canceled_as_was_decided(own, tmp_path):
    process = ran(own, "job_outcomes.py", sys.executable, tmp_path)

    def streamed():
        process.stdin.write("\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    try:
        well = streamed()
        assert (well["status"], well["error"]) == ("Completed", None)
        assert "experiment: outcomes" in well["log"] and "The job is Completed." in well["log"]
        jobs(own, "fail", "--next", "--message", "out of memory")
        failed = streamed()
        assert failed["status"] == "Failed" and "out of memory" in failed["error"], failed
        jobs(own, "cancel", "--next")
        # The client stops at `CancelRequested`.
        assert streamed()["status"] in ("CancelRequested", "Canceled")
    finally:
        process.stdin.close()
        process.wait(timeout=WITHIN)
        process.stdout.close()
        process.stderr.close()
    listed = {one["name"]: one for one in json.loads(jobs(own, "--output", "json"))["jobs"]}
    assert listed[well["name"]]["state"] == "Completed"
    assert listed[failed["name"]]["error"] == "out of memory"
    sent = json.loads(jobs(own, "show", well["name"], "--output", "json"))
    [step] = sent["steps"]
    assert (step["step"], step["state"]) == ("train", "Completed")


@pytest.fixture(scope="module")
def sdk_v1():
    """The Python of the SDK v1's environment."""
    return os.environ["AZCRED_SDK_V1"]


def test_azureml_core_submits_a_script_and_streams_what_was_recorded(own, sdk_v1, tmp_path):
    project = tmp_path / "project"
    (project / "src").mkdir(parents=True)
    (project / "train.py").write_text("print(1)\n", encoding="utf-8")
    (project / "src" / "model.py").write_text("pass\n", encoding="utf-8")
    done = said(ran(own, "job_of_sdk_v1.py", sdk_v1, project))
    assert (done["status"], done["version"], done["datastore"]) == ("Completed", "1", "workspaceblobstore")
    for line in ("command: python train.py --epochs 3", "  src/model.py", "The job is Completed."):
        assert line in done["log"].splitlines(), done["log"]
    assert (done["own"]["status"], done["own"]["metrics"]) == ("Completed", {"loss": [0.5, 0.25]})
    assert "outputs/train.py" in done["own"]["files"]
    shown = json.loads(jobs(own, "show", done["run"], "--output", "json"))
    assert (shown["kind"], shown["sent"]["script"]) == ("run", "train.py")
    assert "train.py" in jobs(own, "logs", done["run"])


def test_mlflow_records_a_run_and_reads_it_again(own, sdk_v1, tmp_path):
    done = said(ran(own, "tracked_run.py", sdk_v1, tmp_path))
    assert done["status"] == "FINISHED"
    assert (done["params"], done["metrics"]) == ({"rate": "0.1"}, {"loss": 0.25})
    assert (done["history"], done["team"], done["note"]) == ([0.5, 0.25], "ml", "hello")
    assert done["not_served"] == "NOT_IMPLEMENTED"
    listed = json.loads(jobs(own, "--output", "json"))["jobs"]
    assert [(one["name"], one["kind"], one["experiment"]) for one in listed] == [
        (done["run"], "recorded", "tracked")
    ]
