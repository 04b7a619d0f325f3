"""The IPython extension, in notebooks that Jupyter's own programs run."""

import json
import subprocess
from html.parser import HTMLParser

import pytest

import sign_in_pages as pages
from form_browser import FormTab
from people import Person

ADA = "ada@contoso.com"

CELLS = """
%load_ext azcred
---
from azure.identity import DefaultAzureCredential
import base64, json
part = DefaultAzureCredential().get_token("https://management.azure.com/.default").token.split(".")[1]
claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
print(claims.get("upn") or claims["appid"])
---
%unload_ext azcred
print(DefaultAzureCredential.get_token.__module__.split(".")[0])
"""


def notebook(folder):
    cells = [
        {"cell_type": "code", "source": code.strip(), "metadata": {}, "outputs": [], "execution_count": None}
        for code in CELLS.split("---\n")
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    path = folder / "tokens.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 4}))
    return path


def nbconvert(place, tools, environment):
    return subprocess.run(
        [tools, "-m", "nbconvert", "--to", "notebook", "--execute", "--stdout", notebook(place.home)],
        cwd=place.home,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=90,
    )


def test_a_notebook_run_by_nbconvert_gets_azcreds_token(place, tools):
    sp = place("sp")
    # hi-ml's variables, which azure-identity does not read.
    theirs = {
        "TENANT_ID": "TENANT_ID",
        "CLIENT_ID": "SERVICE_PRINCIPAL_ID",
        "CLIENT_SECRET": "SERVICE_PRINCIPAL_PASSWORD",
    }
    environment = sp.environment | {
        f"HIML_{name}": sp.environment[f"AZURE_{own}"] for own, name in theirs.items()
    }
    for name in theirs:
        environment.pop(f"AZURE_{name}")
    done = nbconvert(sp, tools, environment)
    assert done.returncode == 0, done.stderr
    outputs = [cell["outputs"] for cell in json.loads(done.stdout)["cells"]]
    text = ["".join(output["text"]).strip() for output in sum(outputs, [])]
    assert text == [sp.environment["AZURE_CLIENT_ID"], "azure"]


def test_a_notebook_run_by_nbconvert_asks_no_person(place, tools):
    alone = place("no-account")
    done = nbconvert(alone, tools, alone.environment)
    assert done.returncode != 0
    assert "no source has a token" in done.stderr and "devicelogin" not in done.stderr


FRONT_END = """
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel()
def shows(message):
    kind, content = message["msg_type"], message["content"]
    if kind in ("display_data", "update_display_data"):
        html = content["data"]["text/html"]
        say(html=html)
        if INTERRUPTS and "<a " in html:
            manager.interrupt_kernel()
    elif kind == "stream":
        say(text=content["text"].strip())
    elif kind == "error":
        say(error=content["ename"])
try:
    for cell in CELLS.split("---\\n"):
        client.execute_interactive(cell, allow_stdin=True, output_hook=shows, timeout=80)
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
"""


def front_end(cells, interrupts=False):
    """A program that runs the cells as Jupyter does for a person, and interrupts the kernel at its first link."""
    return f"CELLS = {cells!r}\nINTERRUPTS = {interrupts}\n{FRONT_END}"


class Shown(HTMLParser):
    """The links and the words in bold of an output."""

    def __init__(self, html):
        super().__init__()
        self.links, self.bold, self._in_bold = [], [], False
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self._in_bold = tag == "b"
        if tag == "a":
            self.links.append(dict(attributes))

    def handle_data(self, data):
        if self._in_bold:
            self.bold.append(data)
        self._in_bold = False


PLAIN = """
import azcred
part = azcred.Credential().get_token("https://management.azure.com/.default").token.split(".")[1]
import base64, json
print(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["upn"])
"""


@pytest.mark.parametrize(
    ("cells", "printed"),
    [(CELLS, [ADA, "azure"]), (PLAIN, [ADA])],
    ids=["with the extension", "with a credential"],
)
def test_a_person_signs_in_from_a_cell_with_a_link(cells, printed, place, tools, emulator):
    alone = place("no-account")
    users = emulator.info["users"]
    ada = Person(ADA, next(one["password"] for one in users if one["user_principal_name"] == ADA))
    tab = FormTab(alone.environment["REQUESTS_CA_BUNDLE"], alone.environment["HTTPS_PROXY"])
    with alone.start(front_end(cells), python=tools) as process, tab:
        try:
            # A notice why no browser opens may come first.
            said = iter(json.loads(line) for line in process.stdout)
            shown = next(shown for shown in (Shown(one["html"]) for one in said) if shown.links)
            (link,) = shown.links
            pages.enter_code(tab, link["href"], *shown.bold)
            pages.sign_in(tab, ada)
            pages.confirm(tab)
            rest = list(said)
        except BaseException:
            process.kill()
            raise
        assert process.wait(timeout=30) == 0, process.stderr.read()
    assert link["target"] == "_blank" and "noopener" in link["rel"]
    assert [one["html"] for one in rest if "html" in one] == ["Signed in, or no longer waiting."]
    assert [one["text"] for one in rest if "text" in one] == printed


def test_an_interrupt_of_the_kernel_ends_the_wait_for_a_person(place, tools):
    alone = place("no-account")
    cells = PLAIN + "---\nprint('goes on')"
    with alone.start(front_end(cells, interrupts=True), python=tools) as process:
        try:
            output, errors = process.communicate(timeout=90)
        except BaseException:
            process.kill()
            raise
    assert process.returncode == 0, errors
    said = [json.loads(line) for line in output.splitlines()]
    assert Shown(said[-4]["html"]).links
    assert said[-3:] == [
        {"html": "Signed in, or no longer waiting."},
        {"error": "KeyboardInterrupt"},
        {"text": "goes on"},
    ]


@pytest.mark.parametrize("address", ["javascript:alert(1)", 'https://x/"><script>', "https://x/<b>"])
def test_a_link_can_only_be_a_web_address(address, place):
    got = place(None).run(f"""
from azcred._notebook import link
say(html=[link("device_code", url={address!r}, code="<i>"), link("browser", url={address!r}),
          link("strange", what="<script>"), link("no_browser", why="<script>")])
""")
    for html in got["html"]:
        assert "<script" not in html and "<i>" not in html
        assert all(link["href"].startswith("https://") for link in Shown(html).links)
