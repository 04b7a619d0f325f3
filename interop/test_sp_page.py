"""docs/service-principals.md, word by word: its commands run in order on a person's laptop, and print what it shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from test_sp import Desk
from way import HERE

PAGE = (HERE.parent / "docs" / "service-principals.md").read_text(encoding="utf-8")
# This machine has no keyring. The page says what to add then.
WITHOUT_KEYRING = {
    "sp create training --secret": "sp create training --secret --to encrypted-file",
    "in the keyring,": "in azcred's encrypted file,",
}
# The page's program: it signs in as hi-ml does, and writes down who it is.
TRAIN = f"""
import json, subprocess, sys
job = {{"subscription": "5ec0ffee-0001-4000-8000-000000000001", "resource_group": "rg-contoso-ml",
        "workspace": "ws-contoso-ml"}}
command = [sys.executable, {str(HERE / "programs" / "principal.py")!r}, "hi-ml"]
print(subprocess.run(command, input=json.dumps(job), text=True, capture_output=True, check=True).stdout)
"""

pytestmark = [
    pytest.mark.xdist_group("az"),
    pytest.mark.skipif(os.name == "nt", reason="its lines are for sh"),
]


def commands():
    """Each command of the page, and what it prints; `None` if the page does not show it."""
    page = PAGE
    for shown, run in WITHOUT_KEYRING.items():
        assert shown in page
        page = page.replace(shown, run)
    for language, block in re.findall(r"^```(\w+)\n(.*?)^```", page, re.DOTALL | re.MULTILINE):
        if language == "sh":
            # A line at a time, so that the first that fails is known.
            yield from ((line, None) for line in block.splitlines() if line and not line.startswith("#"))
        elif language == "console":
            for part in block.split("$ ")[1:]:
                command, _, output = part.partition("\n")
                yield command, output
        else:
            assert language == "yaml", language


def pattern(output):
    """Of a shown output: `…` is any text of a line, or any lines if it is a whole line."""
    lines = [
        r"(?:.*\n)*?" if line == "…" else r".+?".join(map(re.escape, line.split("…"))) + r" *\n"
        for line in output.splitlines()
    ]
    # Columns are as wide as their widest value.
    return re.compile(re.sub(r"(\\ ){2,}", r" {2,}", "".join(lines)))


class Shell:
    """One shell, in which each command finds the variables of those before it."""

    def __init__(self, desk):
        programs = desk.folder / "bin"
        programs.mkdir()
        for name, target in (("azcred", Path(desk.azure.binary)), ("python", sys.executable)):
            script = f'#!/bin/sh\nexec {target} "$@"\n'
            (programs / name).write_text(script, encoding="utf-8")
            (programs / name).chmod(0o755)
        tools = os.path.dirname(os.environ["AZCRED_AZURE_CLI"])
        path = os.pathsep.join((str(programs), tools, desk.variables["PATH"]))
        # hi-ml finds the sign-in of Azure CLI where azcred put it.
        self.process = subprocess.Popen(
            ["sh"],
            env=desk.variables | {"PATH": path},
            cwd=desk.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )

    def run(self, command):
        """The output of a command, which must succeed."""
        self.process.stdin.write(f'{command}\necho "@done $?"\n')
        self.process.stdin.flush()
        said = ""
        for line in self.process.stdout:
            if line.startswith("@done "):
                assert line == "@done 0\n", f"{command}\n{said}"
                return said
            said += line
        pytest.fail(f"the shell ended: {command}\n{said}")


@pytest.fixture
def shell(azure, tmp_path):
    desk = Desk(azure, tmp_path)
    (desk.folder / "train.py").write_text(TRAIN, encoding="utf-8")
    (desk.folder / "config.json").unlink()
    started = Shell(desk)
    with started.process:
        try:
            yield started
        finally:
            started.process.kill()


@pytest.mark.timeout(300)
def test_the_page_can_be_followed_word_by_word(shell):
    shown, ran = 0, 0
    for command, output in commands():
        said = shell.run(command)
        ran += 1
        if output is not None:
            shown += 1
            assert pattern(output).fullmatch(said), f"{command}\n--- shown\n{output}\n--- printed\n{said}"
        if "train.py" in command:
            # It is the service principal, and may read the workspace.
            assert '"workspace": "ws-contoso-ml"' in said, said
    assert shown >= 4 and ran >= 15, (shown, ran)
