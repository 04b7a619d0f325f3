"""docs/submit-kedro.md and docs/submit-hi-ml.md, word by word: their commands run in order in a fresh folder, and print
what they show."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from emulator import Emulator, bare_environment
from followed_page import Shell, commands, file, pattern
from submitter import python
from way import HERE

pytestmark = [
    pytest.mark.xdist_group("submit-pages"),
    pytest.mark.skipif(os.name == "nt", reason="their lines are for sh"),
]


@dataclass
class Desk:
    """A person's machine."""

    azure: Emulator
    folder: Path
    variables: dict


@pytest.fixture
def desk(binary, tmp_path):
    """A machine on which the emulator runs, started as the pages say."""
    home = tmp_path / "home"
    variables = bare_environment(home) | {"DO_NOT_TRACK": "1"}
    emulator = Emulator(binary, home)
    emulator.state = home / ".local" / "state" / "azcred" / "emulator"
    emulator.state.parent.mkdir(parents=True)
    with emulator as started:
        yield Desk(started, tmp_path, variables)


def followed(page, desk, **programs):
    """Follows a page in an empty folder. Returns how many commands ran, and of how many the output was compared."""
    shell = Shell(desk, **programs)
    ran, compared = 0, 0
    with shell.process:
        try:
            shell.run("cd fresh")
            for command, output in commands(page):
                said = shell.run(command)
                ran += 1
                if output is not None:
                    compared += 1
                    shown = f"{command}\n--- shown\n{output}\n--- printed\n{said}"
                    assert pattern(output).fullmatch(said), shown
        finally:
            shell.process.kill()
    return ran, compared


def page(name):
    return (HERE.parent / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="kedro-azureml-pipeline needs Python 3.11")
def test_the_page_of_kedro_can_be_followed_word_by_word(desk):
    (desk.folder / "fresh").mkdir()
    (desk.folder / "fresh" / "azcred").symlink_to(HERE.parent)
    kedro = python("AZCRED_KEDRO").with_name("kedro")
    assert followed(page("submit-kedro.md"), desk, kedro=kedro) == (6, 4)


def test_the_page_of_hi_ml_can_be_followed_word_by_word(desk):
    text = page("submit-hi-ml.md")
    fresh = desk.folder / "fresh"
    fresh.mkdir()
    for name, language in (("train.py", "python"), ("environment.yml", "yaml")):
        (fresh / name).write_text(file(text, language), encoding="utf-8")
        assert (HERE / "projects" / "hi-ml" / name).read_text(encoding="utf-8") == file(text, language)
    assert followed(text, desk, python=python("AZCRED_HI_ML")) == (4, 4)
