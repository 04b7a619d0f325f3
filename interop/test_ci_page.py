"""docs/ci.md, word by word: its commands run in order on a person's laptop, and its job signs in."""

import os
import re
import subprocess

import pytest

from followed_page import Shell, commands, pattern
from test_federate import MAIN, PREFIXES, TENANT, Job
from test_sp import Desk
from way import HERE

PAGE = (HERE.parent / "docs" / "ci.md").read_text(encoding="utf-8")
REPOSITORY = "contoso@123456/ml-project@456789"

pytestmark = [
    pytest.mark.xdist_group("az"),
    pytest.mark.skipif(os.name == "nt", reason="its lines are for sh"),
]


@pytest.fixture
def job(azure, tmp_path):
    started = Job(Desk(azure, tmp_path), f"repo:{REPOSITORY}")
    desk = started.desk
    (desk.folder / "config.json").unlink()
    for command in (
        ("init", "--quiet"),
        ("remote", "add", "origin", "git@github.com:contoso/ml-project.git"),
    ):
        subprocess.run(["git", "-C", desk.folder, *command], check=True)
    yield started
    started.server.shutdown()
    started.server.server_close()


@pytest.fixture
def shell(job):
    started = Shell(job.desk)
    with started.process:
        try:
            yield started
        finally:
            started.process.kill()


@pytest.mark.timeout(300)
def test_the_page_can_be_followed_word_by_word(job, shell):
    client_id, shown, ran = "", 0, 0
    for command, output in commands(PAGE):
        if "CLIENT_ID" in command:
            # The CI system writes its token, and the reader their ids.
            (job.desk.folder / "token.jwt").write_text(job.token(MAIN), encoding="utf-8")
            command = command.replace("=TENANT_ID", f"={TENANT}").replace("=CLIENT_ID", f"={client_id}")
        said = shell.run(command)
        ran += 1
        if command == "azcred doctor":
            # What follows is a person's again.
            shell.run("unset AZURE_TENANT_ID AZURE_CLIENT_ID AZURE_FEDERATED_TOKEN_FILE")
        if output:
            shown += 1
            assert pattern(output).fullmatch(said), f"{command}\n--- shown\n{output}\n--- printed\n{said}"
        if command.startswith("azcred sp create"):
            client_id = re.search(r"^Client id +(\S+)", said, re.MULTILINE)[1]
            assert job.by_identity(client_id, MAIN) == client_id
    assert shown >= 6 and ran >= 9, (shown, ran)
    written = (job.desk.folder / ".github/workflows/azure-ml.yml").read_text(encoding="utf-8")
    assert "azcred exec -- python submit.py" in written
    # The token of the other form, as the page's error has it.
    job.prefix = PREFIXES["names"].replace("/ml", "/ml-project")
    told = " ".join(job.by_azcred(client_id, MAIN, code=4).stderr.split())
    page = " ".join(PAGE.split())
    for sentence in (
        "the subject has GitHub's form with names alone",
        "does not match it",
        "with `--check`,",
    ):
        assert sentence in told and sentence in page
