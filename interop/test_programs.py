"""Programs of others do in the emulator what docs/programs.md says: those of checks.py, unmodified.

Each is run as a user runs it, in `azcred emulator exec --as`. One process tries all of a program's ways in one persona.
"""

import json
import os
import re
import signal
import subprocess
import threading
from collections import defaultdict
from contextlib import contextmanager

import jwt
import pytest

import checks
import installed
import programs_page
import sign_in_pages as pages
from arc_agent import FOLDER
from form_browser import FormTab
from machine import Machine
from people import Person

# Azure CLI takes seconds to start on a busy machine, and starts several times.
ENDS_WITHIN = 110

# What MSAL for Python shows a person, in a program without a driver.
DEVICE_CODE = re.compile(r"open the page (\S+) and enter the code (\S+) to")


def batches():
    """The checks that one process makes: those of a program in one persona. A shell makes one."""
    found = defaultdict(list)
    for check in checks.CHECKS:
        program = check.program
        own = check.way if program.by in installed.VERSIONS else ""
        found[program.name, check.runtime, check.where, own].append(check)
    return list(found.values())


def parameters():
    for batch in batches():
        first = batch[0]
        marks = [pytest.mark.heavy] if installed.is_heavy(first.program.by) else []
        if first.program.uses_storage:
            marks.append(pytest.mark.xdist_group("storage"))
        place = f" on {first.runtime}" if first.runtime else ""
        yield pytest.param(batch, marks=marks, id=f"{first.program.name}{place} in {first.where}")


class Ada:
    """The person at the computer."""

    def __init__(self, azure):
        self.azure = azure
        (user,) = (one for one in azure.info["users"] if one["object_id"] == checks.ADA)
        self.person = Person(user["user_principal_name"], user["password"])

    def answers(self, line):
        """Does what a program shows her: opens a page, or enters a code at another device."""
        with FormTab(self.azure.info["ca_bundle"], self.azure.info["proxy_url"]) as tab:
            if "open" in line:
                tab.go(line["open"])
                pages.sign_in(tab, self.person)
            else:
                pages.enter_code(tab, line["address"], line["code"])
                pages.sign_in(tab, self.person)
                pages.confirm(tab)


@contextmanager
def started(machine, command, **options):
    """A program on a machine. At the end, it and its children are ended."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = machine.start(*command, start_new_session=True, **options, **streams)

    def end():
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    limit = threading.Timer(ENDS_WITHIN, end)
    limit.start()
    try:
        yield process
    finally:
        limit.cancel()
        end()
        process.wait()
        process.stdout.close()


def tried(batch, azure, storage):
    """The version of the batch's program, and what came of each way, by its name."""
    first = batch[0]
    ways = [check.way for check in batch]
    command = installed.command(first.program.by, first.runtime, first.program.name, ways)
    variables = {"PERSONS_TENANT": azure.info["tenant"]["id"]} | installed.variables(first.program.by)
    options = first.options
    if first.program.is_routed:
        variables, options = variables | storage.variables, (*options, *storage.route)
    elif storage:
        variables |= storage
    said, version, came = [], None, {}
    ada = Ada(azure)
    machine = Machine(azure, first.persona)
    with started(machine, command, variables=variables, options=options) as process:
        for line in process.stdout:
            said.append(line)
            if shown := DEVICE_CODE.search(line):
                ada.answers({"address": shown[1], "code": shown[2]})
            if not line.startswith("{"):
                continue
            answer = json.loads(line)
            if "version" in answer:
                version = answer["version"]
            elif "way" in answer:
                came[answer["way"]] = answer
            else:
                ada.answers(answer)
    said = "".join(said)
    if first.program.by in installed.VERSIONS:
        shown, _, rest = said.partition("---\n")
        version, came = installed.version_in(shown), {ways[0].replace("`", ""): of_shell(rest)}
    return version, {way: came.get(way.replace("`", ""), {"error": said}) for way in ways}, said


def of_shell(text):
    """What came of a script, by its output."""
    lines = text.split("\n")
    if token := re.search(r"^eyJ\S+$", text, re.M):
        return {"token": token[0]}
    return {"found": [line for line in lines if line], "error": text}


def is_as_expected(check, answer):
    if check.says:
        return "token" not in answer and bool(re.search(check.says, answer.get("error", ""), re.S))
    if check.finds:
        return answer.get("found", [])[-len(check.finds) :] == list(check.finds)
    claims = jwt.decode(answer.get("token", ""), options={"verify_signature": False})
    return claims["oid"] == checks.ACCOUNTS[check.persona]


@pytest.mark.parametrize("batch", list(parameters()))
def test_a_program_does_what_the_page_says(batch, azure, request):
    first = batch[0]
    if not installed.program(first.program.by, first.runtime):
        pytest.skip(f"NOT RUN: {first.program.name} is not installed, or does not start here")
    if first.persona == "arc" and not os.access(FOLDER, os.W_OK):
        pytest.skip(f"NOT RUN: {FOLDER} can't be created")
    storage = None
    if first.program.uses_storage:
        storage = request.getfixturevalue("routed" if first.program.is_routed else "storage")
    version, came, said = tried(batch, azure, storage)
    if "`--isolate` does not work here" in said:
        pytest.skip("NOT RUN: this system permits a program no network of its own")
    for check in batch:
        answer = came[check.way]
        try:
            expected = is_as_expected(check, answer)
        except jwt.InvalidTokenError:
            expected = False
        assert expected, f"{check.way}: {answer}\n{said}"
    programs_page.record(check.row | {"version": version} for check in batch)


@pytest.mark.skipif("AZCRED_ROWS" in os.environ, reason="this run makes the page")
def test_the_page_has_a_row_for_each_check():
    assert programs_page.without_versions(programs_page.PAGE.read_text("utf-8")) == (
        programs_page.without_versions(
            programs_page.page(check.row | {"version": "0"} for check in checks.CHECKS)
        )
    )
