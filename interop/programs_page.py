"""The page docs/programs.md, from the rows of a run: `python interop/programs_page.py FOLDER`.

A run with AZCRED_ROWS writes its rows into that folder. Other runs compare theirs with the page, and so does a run that
lacks rows.
"""

import json
import os
import re
import sys
from pathlib import Path

import checks

PAGE = Path(__file__).parent.parent / "docs/programs.md"

HEAD = """\
# Programs in the emulator

Will your program work in the [emulator](emulator.md), and how does it sign in there? These are programs of others,
unmodified. Each was started with `azcred emulator exec --as PERSONA`, and signed in as its documentation says. `cargo
xtask interop --all` runs them, checks that each token belongs to the account of that persona, and makes this page.

- *no* says why a program does not get so far. The tests check that too.
- With `no-account`, a person signs in: Ada, in a browser or with a device code.
- hi-ml and kedro-azureml-pipeline are in [The chain, compared](chain-compared.md).
- Azure Functions and Container Apps have App Service's endpoint. Programs that find it by `IDENTITY_ENDPOINT` sign in
  there as with `app-service`.
- The storage is the emulator's own [Blob Storage](emulator.md#blobs). Each account has the role Storage Blob
  Data Contributor there. pyarrow also uses `dfs`, which the emulator does not serve: its requests are sent to
  [Azurite](https://github.com/Azure/Azurite) by [`--route`](emulator.md#with-servers-of-your-own).
"""

NOTES = {
    checks.NODE: "Each row has the versions of Node.js in which it holds.",
    checks.CPP: "pyarrow is built with Microsoft's azure-identity for C++.",
    checks.GO: "azcopy and rclone are built with Microsoft's azidentity and MSAL for Go. Debian's rclone is older: it "
    "has `169.254.169.254` built in.",
}


def page(rows):
    """The page of these rows, in the order of the checks."""
    rows = {key(row): row for row in rows}
    ordered = [rows[key(check.row)] for check in checks.CHECKS]
    text = [HEAD]
    for section in dict.fromkeys(row["section"] for row in ordered):
        text.append(f"## {section}\n")
        if section in NOTES:
            text.append(NOTES[section] + "\n")
        text.append(table([row for row in ordered if row["section"] == section]))
    return "\n".join(text)


def key(row):
    return row["program"], row["runtime"], row["way"], row["where"]


def table(rows):
    """A table in Markdown. Rows that differ in the place or the runtime only are one."""
    has_runtimes = any(row["runtime"] for row in rows)
    titles = ["Program", *(["Node.js"] if has_runtimes else []), "Signs in by", "`--as`", "Result"]
    lines = ["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|"]
    for row in merged(merged(rows, "runtime"), "where"):
        program = f"{row['program']} {row['version']}, {row['does']}"
        runtimes = [", ".join(row["runtime"])] if has_runtimes else []
        places = ", ".join(f"`{where}`" for where in row["where"])
        lines.append("| " + " | ".join([program, *runtimes, row["way"], places, row["result"]]) + " |")
    return "\n".join(lines) + "\n"


def merged(rows, name):
    """Rows that differ in one column only as one row, with a list in that column."""
    found = {}
    for row in rows:
        others = tuple((other, value) for other, value in row.items() if other != name)
        found.setdefault(others, []).append(row[name])
    return [dict(others) | {name: tuple(values)} for others, values in found.items()]


def without_versions(text):
    """The page, where every program's version is the same."""
    return re.sub(r"^(\| [^,|]+) \S+,", r"\1 0,", text, flags=re.M)


def record(rows):
    """Writes rows of a run, or compares them with the page."""
    folder = os.environ.get("AZCRED_ROWS")
    if not folder:
        compare(rows)
        return
    with open(Path(folder) / f"{os.getpid()}.jsonl", "a", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def compare(rows):
    """Compares the versions of rows with the page's."""
    text = PAGE.read_text(encoding="utf-8")
    for row in rows:
        named = f"| {row['program']} {row['version']}, "
        assert named in text, f"docs/programs.md does not have '{named}': run `cargo xtask interop --all`"


def main():
    files = Path(sys.argv[1]).glob("*.jsonl")
    rows = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    missing = {key(check.row) for check in checks.CHECKS} - {key(row) for row in rows}
    if missing:
        compare(rows)
        print(f"docs/programs.md is as it was: {len(missing)} of its rows were not run")
        return
    PAGE.write_text(page(rows), encoding="utf-8")
    print("docs/programs.md is made from this run")


if __name__ == "__main__":
    main()
