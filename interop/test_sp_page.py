"""docs/service-principals.md, word by word: its commands run in order on a person's laptop, and print what it shows."""

import os

import pytest

from followed_page import Shell, commands, pattern
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


def page():
    """The page, with what this machine needs in place of a keyring."""
    text = PAGE
    for shown, run in WITHOUT_KEYRING.items():
        assert shown in text
        text = text.replace(shown, run)
    return text


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
    for command, output in commands(page()):
        said = shell.run(command)
        ran += 1
        if output is not None:
            shown += 1
            assert pattern(output).fullmatch(said), f"{command}\n--- shown\n{output}\n--- printed\n{said}"
        if "train.py" in command:
            # It is the service principal, and may read the workspace.
            assert '"workspace": "ws-contoso-ml"' in said, said
    assert shown >= 4 and ran >= 15, (shown, ran)
