"""A page of the documentation as a person follows it: its commands run in one shell, and print what it shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


def commands(page):
    """Each command of a page, and what it prints; `None` if the page does not show it."""
    for language, block in re.findall(r"^ *```(\w+)\n(.*?)^ *```", page, re.DOTALL | re.MULTILINE):
        if language == "sh":
            # A line at a time, so that the first that fails is known.
            yield from ((line, None) for line in block.splitlines() if line and not line.startswith("#"))
        elif language == "console":
            for part in block.split("$ ")[1:]:
                command, _, output = part.partition("\n")
                yield command, output
        else:
            # A file, or what a job prints.
            assert language in ("yaml", "python", "text"), language


def file(page, language):
    """The content of the only file that a page shows in a language."""
    [content] = re.findall(rf"^```{language}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    return content


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

    def __init__(self, desk, **others):
        programs = desk.folder / "bin"
        programs.mkdir()
        targets = {"azcred": Path(desk.azure.binary), "python": sys.executable} | others
        for name, target in targets.items():
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
