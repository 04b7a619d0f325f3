"""The documentation page that is generated from the table: `python interop/chain_page.py docs/chain-compared.md`."""

import sys
from pathlib import Path

from environments import ALONE, ASKS, ENVIRONMENTS, ERROR, NOTHING, SECTIONS

HEAD = """\
# The chain, compared

In each environment of this page, a third-party program requests a token, and then azcred does with the preset of that
program. Both get the same identity, or are rejected alike. Where they differ, they differ on purpose, and a note says
why. The tests run all of it against the [emulator](emulator.md), and compare this page with the results.

- `azure`: azure-identity 1.27 for Python, `DefaultAzureCredential()`
- `kedro`: kedro-azureml-pipeline 0.1.0, `get_azureml_credentials()`
- `hi-ml`: hi-ml-azure 0.5.4, `get_credential()`
- `azcred`: azcred's own order, which has no other program to compare with

Every way to sign in leads to another identity, so the token tells which way it came. Ada, Alan and Grace are people.
*Nothing* means that there was nothing to sign in with. A code is Entra ID's rejection. *Error* is anything else that
keeps a source that is there from returning a token. *Asks* means that the program asks a person next; the result of
the sources before is in brackets. kedro-azureml-pipeline asks by the browser, for five minutes. hi-ml asks by a device
code, for one minute, and then by the browser, for another. The presets of these names do the same. `azcred` asks by
the browser, or by a device code where no browser can be opened.

A person is at a terminal, unless the row says otherwise. The tests run all of it a second time without a terminal, and
a third time as a CI job wherever azcred asks. azcred then asks no person, and ends with the result in brackets as its
error.

There is no IMDS unless the row says so. azure-identity finds that out. azcred gets `AZCRED_IMDS=never`, because
otherwise it would judge by the machine on which the tests run.
"""

ALONE_HEAD = """\
## One source by name

`ManagedIdentityCredential` and `WorkloadIdentityCredential`, as programs use them by themselves, beside the preset
`azure` with `AZURE_TOKEN_CREDENTIALS` set to that name.
"""


def page():
    """The page of the documentation."""
    notes = []
    text = [HEAD]
    for title, section in SECTIONS.items():
        columns = ("azure", "kedro", "hi-ml", "azcred")
        text += [f"## {title}\n", table(section, columns, columns, notes)]
    chosen = [environment for environment in ENVIRONMENTS if any(map(environment.theirs, ALONE))]
    text += [ALONE_HEAD, table(chosen, ALONE, ALONE.values(), notes)]
    text.append("## Where azcred differs, and why\n")
    text.append("".join(f"{number}. {why}\n" for number, why in enumerate(notes, 1)))
    return "\n".join(text)


def table(rows, columns, titles, notes):
    """A table in Markdown. New reasons are added to `notes`."""
    lines = ["| What is there | " + " | ".join(f"`{title}`" for title in titles) + " |"]
    lines.append("|---" * (len(lines[0].split("|")) - 2) + "|")
    for row in rows:
        cells = [cell(row, column, notes) for column in columns]
        lines.append("| " + " | ".join([row.name, *cells]) + " |")
    return "\n".join(lines) + "\n"


def cell(row, column, notes):
    if column == "azcred":
        return shown(row.expected(column))
    theirs = row.theirs(column)
    if theirs is None:
        return ""
    if column not in row.ours:
        return shown(theirs)
    ours = row.ours[column]
    if ours.why not in notes:
        notes.append(ours.why)
    return f"{shown(theirs)}; ours: {shown(ours.outcome)} ({notes.index(ours.why) + 1})"


def shown(outcome):
    if outcome.startswith(ASKS):
        return f"*asks* ({shown(outcome.removeprefix(ASKS))})"
    return f"*{outcome}*" if outcome in (NOTHING, ERROR) else outcome


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
