"""The GitHub action `action.yml`: its steps as GitHub's runner runs them, and the steps that follow."""

import hashlib
import io
import os
import re
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest
import yaml

from way import ARM, PROGRAM_WITHIN

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the runner is played on Linux")

ACTION = Path(__file__).parents[1] / "action.yml"
VERSION = "0.1.0"
TARGET = "x86_64-unknown-linux-musl"
# A step that follows: a program with azure-identity, which prints the token.
STEP = """
import sys
from azure.identity import DefaultAzureCredential
print(DefaultAzureCredential(process_timeout=60).get_token(sys.argv[1]).token)
"""
TOKEN = [sys.executable, "-c", STEP, ARM + "/.default"]


@pytest.fixture(scope="module")
def releases(binary, tmp_path_factory):
    """The files of a release, with a program that runs the binary under test."""
    folder = tmp_path_factory.mktemp("releases") / f"v{VERSION}"
    folder.mkdir()
    archive = folder / f"azcred-{VERSION}-{TARGET}.tar.gz"
    program = f'#!/bin/sh\nexec "{binary}" "$@"\n'.encode()
    with tarfile.open(archive, "w:gz") as tar:
        entry = tarfile.TarInfo(f"azcred-{VERSION}-{TARGET}/azcred")
        entry.size, entry.mode = len(program), 0o755
        tar.addfile(entry, io.BytesIO(program))
    other = "0" * 64 + "  another.tar.gz\n"
    sums = f"{other}{hashlib.sha256(archive.read_bytes()).hexdigest()}  {archive.name}\n"
    (folder / "SHA256SUMS").write_text(sums)
    return folder.parent


class Runner:
    """GitHub's runner in one job: it runs steps, and hands over what a step writes to the runner's files."""

    def __init__(self, environment, folder):
        self.folder, self.path = folder, []
        self.job = f"github_{folder}"
        (folder / "temp").mkdir()
        self.environment = environment | {
            "RUNNER_OS": "Linux",
            "RUNNER_ARCH": "X64",
            "RUNNER_TEMP": str(folder / "temp"),
            # By this variable the runner finds what a step has left running.
            "RUNNER_TRACKING_ID": self.job,
        }
        self.log = ""

    def step(self, command, outputs=None, **variables):
        """Runs one step to its end, and until its output is closed. Returns the process."""
        files = {name: self.folder / name for name in ("GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT")}
        for file in files.values():
            file.write_text("")
        path = os.pathsep.join([*reversed(self.path), self.environment["PATH"]])
        done = subprocess.run(
            [str(word) for word in command],
            env=self.environment | {"PATH": path} | {k: str(v) for k, v in files.items()} | variables,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=PROGRAM_WITHIN,
        )
        self.log += done.stdout
        self.environment |= dict(lines(files["GITHUB_ENV"]))
        self.path += files["GITHUB_PATH"].read_text().splitlines()
        if outputs is not None:
            outputs |= dict(lines(files["GITHUB_OUTPUT"]))
        return done

    def use(self, **inputs):
        """Runs the steps of the action with these inputs, up to the first that fails. Returns the last one."""
        action = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
        given = {name: one.get("default") or "" for name, one in action["inputs"].items()}
        assert inputs.keys() <= given.keys()
        known = {f"inputs.{name}": value for name, value in (given | inputs).items()}
        for step in action["runs"]["steps"]:
            assert step["shell"] == "bash" and "${{" not in step["run"]
            variables = {name: filled(value, known) for name, value in step["env"].items()}
            script = self.folder / "script.sh"
            script.write_text(step["run"])
            outputs = {}
            bash = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", script]
            done = self.step(bash, outputs, **variables)
            if done.returncode != 0:
                break
            known |= {f"steps.{step['id']}.outputs.{name}": value for name, value in outputs.items()}
        self.outputs = {name: filled(one["value"], known) for name, one in action["outputs"].items()}
        return done

    def hidden(self):
        """What the log does not show."""
        return re.findall(r"^::add-mask::(.*)$", self.log, re.MULTILINE)

    def left(self):
        """The processes that the job's steps have left running."""
        mark = f"RUNNER_TRACKING_ID={self.job}".encode()
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue  # it has ended, or is another user's
        return found

    def end(self):
        """Ends the job: the runner ends what is left."""
        for process in self.left():
            os.kill(process, signal.SIGTERM)
        until = time.monotonic() + PROGRAM_WITHIN
        while self.left():
            assert time.monotonic() < until, "the endpoint runs on"
            time.sleep(0.05)


def lines(file):
    """The pairs in a runner's file."""
    rows = iter(file.read_text().splitlines())
    for row in rows:
        name, separator, value = re.fullmatch(r"(\w+)(=|<<)(.*)", row).groups()
        if separator == "<<":
            value = "\n".join(iter(lambda rows=rows: next(rows), value))
        yield name, value


def filled(text, known):
    """A text of the action with the values of its expressions. An output that was not set is empty."""
    return re.sub(r"\$\{\{ ([\w.-]+) }}", lambda found: known.get(found[1], ""), text)


@pytest.fixture
def job(world, tmp_path):
    """A job without an account in its variables."""
    environment = world.way("names", "github").environment | {"HOME": str(tmp_path)}
    for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID"):
        del environment[name]
    runner = Runner(environment, tmp_path)
    yield runner
    runner.end()


def claims(world, done):
    assert done.returncode == 0, done.stdout
    return world.way("names", "github").claims(done.stdout.split()[-1], ARM)


def test_the_steps_that_follow_are_the_application_that_trusts_the_job(job, world, releases):
    people = world.people
    job.environment |= {"AZURE_CLIENT_ID": people.ci_client_id, "AZURE_TENANT_ID": "replaced"}
    # The inputs say which account; the project's file may say what is expected of it.
    settings = '[chain]\nonly = ["azure-cli"]\n[expect]\nsources = ["github-actions"]\n'
    (job.folder / "azcred.toml").write_text(settings)
    inputs = {"client-id": people.ci_client_id, "tenant-id": people.home, "from": releases.as_uri()}
    used = job.use(**inputs, **{"subscription-id": people.subscription})
    assert used.returncode == 0, job.log
    assert f"Signed in as service principal {people.ci_client_id}" in job.log
    assert claims(world, job.step(TOKEN))["appid"] == people.ci_client_id
    assert job.environment["AZURE_SUBSCRIPTION_ID"] == people.subscription
    assert job.environment["AZURE_TENANT_ID"] == people.home
    assert job.environment["IDENTITY_HEADER"] in job.hidden()
    # The installed program is on PATH, and is the same account.
    (job.folder / "azcred.toml").unlink()
    assert people.ci_client_id in job.step(["azcred", "whoami"]).stdout
    (path, log) = (Path(job.outputs[name]) for name in ("path", "log"))
    assert os.access(path, os.X_OK)
    assert f"resource={ARM}" in log.read_text() and log.stat().st_mode & 0o77 == 0


def test_the_endpoint_ends_with_the_job(job, world, releases):
    people = world.people
    inputs = {"client-id": people.ci_client_id, "tenant-id": people.home, "from": releases.as_uri()}
    assert job.use(**inputs).returncode == 0, job.log
    assert job.left()
    job.end()
    after = job.step(["curl", "--noproxy", "*", job.environment["IDENTITY_ENDPOINT"]])
    assert after.returncode == 7, after.stdout  # connection refused


def test_a_secret_signs_in_and_no_later_step_has_it(job, world, releases):
    people = world.people
    inputs = {"client-id": people.client_id, "client-secret": people.secret, "tenant-id": people.home}
    assert job.use(**inputs, **{"from": releases.as_uri()}).returncode == 0, job.log
    assert claims(world, job.step(TOKEN))["appid"] == people.client_id
    assert people.secret in job.hidden()
    assert people.secret not in job.step(["env"]).stdout


def test_only_the_allowed_resources_have_tokens(job, world, releases):
    people = world.people
    inputs = {"client-id": people.ci_client_id, "tenant-id": people.home, "from": releases.as_uri()}
    assert job.use(**inputs, allow="https://storage.azure.com").returncode == 0, job.log
    assert "https://management.azure.com" in job.step(TOKEN).stdout
    assert job.step([*TOKEN[:-1], "https://storage.azure.com/.default"]).returncode == 0


def test_the_project_s_expectations_hold(job, world, releases):
    (job.folder / "azcred.toml").write_text('[expect]\nsources = ["azure-cli"]\n')
    people = world.people
    inputs = {"client-id": people.ci_client_id, "tenant-id": people.home, "from": releases.as_uri()}
    used = job.use(**inputs)
    assert used.returncode == 1 and "azcred.toml" in used.stdout, used.stdout


def test_another_account_in_the_job_is_an_error(job, world, releases):
    # azure-identity would use it first, and GitHub can't unset a variable.
    people = world.people
    job.environment |= {"AZURE_CLIENT_ID": people.client_id, "AZURE_CLIENT_SECRET": people.secret}
    inputs = {"client-id": people.ci_client_id, "tenant-id": people.home, "from": releases.as_uri()}
    used = job.use(**inputs)
    assert used.returncode == 1 and "the job has AZURE_CLIENT_SECRET" in used.stdout, used.stdout
    assert "IDENTITY_ENDPOINT" not in job.environment and people.secret not in job.log


def test_a_rejected_sign_in_ends_the_step_with_the_cause(job, world, releases):
    people = world.people
    inputs = {"client-id": people.client_id, "tenant-id": people.home, "from": releases.as_uri()}
    used = job.use(**inputs)
    assert used.returncode == 1
    assert "AADSTS70025" in used.stdout and "::error title=azcred is not signed in::" in used.stdout
    assert "IDENTITY_ENDPOINT" not in job.environment and job.left() == []


def test_a_job_without_the_permission_is_told_so(job, world, releases):
    for name in ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"):
        del job.environment[name]
    people = world.people
    inputs = {"client-id": people.ci_client_id, "tenant-id": people.home, "from": releases.as_uri()}
    used = job.use(**inputs)
    assert used.returncode == 1 and "id-token: write" in used.stdout


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"checksum": "1" * 64}, f"and not {'1' * 64}"),
        ({"version": "9.9.9"}, "v9.9.9/azcred-9.9.9"),
        ({"version": "0.1.0/../.."}, "the input version is not a version"),
        ({"client-id": "a"}, "needs the input tenant-id"),
        ({"client-secret": "a"}, "needs the inputs client-id and tenant-id"),
        ({"tenant-id": "a\nPATH=/b"}, "AZURE_TENANT_ID is not an id"),
    ],
)
def test_wrong_inputs_fail_with_their_cause(inputs, says, job, releases):
    used = job.use(**({"from": releases.as_uri()} | inputs))
    assert used.returncode == 1 and says in used.stdout, used.stdout
    assert "PATH" not in dict(lines(job.folder / "GITHUB_ENV"))
    assert job.left() == []


def test_a_changed_archive_is_not_installed(job, releases):
    sums = releases / f"v{VERSION}" / "SHA256SUMS"
    right = sums.read_text()
    try:
        sums.write_text(right.replace(right.split()[2], "2" * 64))
        used = job.use(**{"from": releases.as_uri()})
    finally:
        sums.write_text(right)
    assert used.returncode == 1 and "2" * 64 in used.stdout, used.stdout
    assert job.path == []


def test_the_action_installs_the_version_of_this_repository(binary):
    action = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    shown = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=60).stdout
    assert shown.startswith(f"azcred {action['inputs']['version']['default']} ")
