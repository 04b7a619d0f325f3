"""The page of the documentation that is made of the table: `python interop/chain_page.py docs/chain-compared.md`."""

import sys
from pathlib import Path

from environments import ALONE, ASKS, ENVIRONMENTS, ERROR, NOTHING, SECTIONS

HEAD = """\
# The chain, compared

In each environment of this page, a program that nobody here wrote is asked for a token, and then azcred with the
preset that is named after it. They get the same identity or are refused alike. Where they differ it is meant to be so,
and a note says why. The test suite runs all of it against the [emulator](emulator.md), so the page can't be wrong for
long.

- `azure`: azure-identity 1.27 for Python, `DefaultAzureCredential()`
- `kedro`: kedro-azureml-pipeline 0.1.0, `get_azureml_credentials()`
- `hi-ml`: hi-ml-azure 0.5.4, `get_credential()`
- `azcred`: our own order, which is compared with nobody

Every way to sign in leads to somebody else, so that the token tells by which way it came; Ada, Alan and Grace are
people. *Nothing* means that there was nothing to sign in with, a code is Entra ID's refusal, and *error* is whatever
else keeps a source that is there from giving a token. *Asks* means that a person is asked next, and what is in
brackets is what came before. kedro-azureml-pipeline asks by the browser, for five minutes; hi-ml by a device code, for
one minute, and then by the browser, for another. The presets of these names do the same. `azcred` asks by the browser,
or by a device code where none can be opened.

Somebody sits at a terminal, unless it is said that there is none. All of it is run a second time without a terminal,
and wherever azcred asks a third time as a CI job: it then asks nobody, and ends with what is in brackets as its error.

Where nothing is said of IMDS, none answers: azure-identity finds that out, and azcred is told by `AZCRED_IMDS=never`,
as it would otherwise judge by the machine on which the tests run.
"""

ALONE_HEAD = """\
## One source, asked for by name

`ManagedIdentityCredential` and `WorkloadIdentityCredential` as programs use them by themselves, beside the preset
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
    """A table in Markdown. `notes` grows by the reasons that are new."""
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
