"""What docs/serve.md shows is valid, and its shell lines run: in a CI job and in the containers of a pod."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
import yaml

from emulator import Emulator
from way import HERE, PROGRAM_WITHIN

PAGE = (HERE.parent / "docs" / "serve.md").read_text(encoding="utf-8")
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
# In place of the page's program. Only the endpoint can sign it in.
PROGRAM = "azcred whoami --only managed-identity -o json"


def block(key):
    [found] = [block for block in BLOCKS if key in (block if isinstance(block, dict) else block[0])]
    return found


@pytest.fixture(scope="module")
def contoso(binary, tmp_path_factory):
    with Emulator(binary, tmp_path_factory.mktemp("contoso")) as started:
        yield started


class Shell:
    """Runs scripts as the user of one place. Everything that they started ends with it."""

    def __init__(self, emulator, home):
        binary = Path(emulator.binary)
        programs = home / "bin"
        programs.mkdir()
        (programs / "azcred").symlink_to(binary)
        self.environment = emulator.environment("names", "service-principal") | {
            "HOME": str(home),
            "AZCRED_HOME": str(home / "azcred"),
            "RUNNER_TEMP": str(home),
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        }
        self.running = []

    def start(self, script):
        process = subprocess.Popen(
            ["sh", "-ec", script],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.running.append(process)
        return process

    def run(self, script):
        # `azcred serve &` keeps the pipe open after the script's end.
        process = self.start(f"{script}\necho done")
        said = ""
        while not said.endswith("\ndone\n"):
            line = process.stdout.readline()
            assert line, said
            said += line
        return said

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.running:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=PROGRAM_WITHIN)
            process.stdout.close()


@pytest.mark.skipif(os.name == "nt", reason="its lines are for sh")
def test_the_lines_for_a_ci_job_give_its_program_the_account(contoso, tmp_path):
    [step] = block("run")
    assert "python train.py" in step["run"]
    with Shell(contoso, tmp_path) as job:
        said = job.run(step["run"].replace("python train.py", PROGRAM))
    assert '"source": "managed-identity"' in said, said


@pytest.mark.skipif(os.name == "nt", reason="its lines are for sh")
def test_the_lines_for_a_pod_give_its_program_the_account(contoso, tmp_path):
    pod = block("spec")["spec"]
    volumes = {volume["name"] for volume in pod["volumes"]}
    scripts = {}
    for container in pod["containers"]:
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes
        shell, option, script = container["command"]
        assert (shell, option) == ("sh", "-c")
        scripts[container["name"]] = script.replace("/azcred/", f"{tmp_path}/azcred/")
    with Shell(contoso, tmp_path) as both:
        both.start(scripts["azcred"])
        program = scripts["train"].replace("exec python train.py", PROGRAM)
        assert program.endswith(PROGRAM)
        said = both.run(program)
    assert '"source": "managed-identity"' in said, said


def test_the_compose_file_hands_on_the_variables():
    service = block("services")["services"]["train"]
    assert service["environment"] == ["IDENTITY_ENDPOINT", "IDENTITY_HEADER"]
    assert (service["network_mode"], service["user"]) == ("host", "${UID}")
