"""The wheel: what is in it, its stable ABI, its types, and its command in an empty place."""

import json
import os
import subprocess
import zipfile

import pytest


@pytest.fixture(scope="session", params=["AZCRED_PYTHON_WHEEL", "AZCRED_PYTHON_WHEEL_OF_SDIST"])
def wheel(request):
    """The wheel that was built in the repository, and the one that was built from the sdist alone."""
    return os.environ[request.param]


def run(command, folder, **variables):
    """Runs a program to its end in a folder of its own, without the user's files. Returns its output."""
    done = finished(command, folder, **variables)
    assert done.returncode == 0, done.stdout
    return done.stdout


def finished(command, folder, **variables):
    own = {"HOME": str(folder), "USERPROFILE": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}
    kept = {
        name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT", "TEMP", "TMP") if name in os.environ
    }
    return subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=kept | own | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=110,
    )


def test_a_wheel_has_the_package_its_types_and_the_command(wheel):
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
        metadata = opened.read(next(name for name in names if name.endswith("/METADATA"))).decode()
    package = {name.split("/")[1] for name in names if name.startswith("azcred/")}
    assert {"__init__.py", "__init__.pyi", "aio.pyi", "himl.pyi", "py.typed", "_native.abi3.so"} <= package
    assert [name for name in names if ".data/" in name] == ["azcred-0.1.0.data/scripts/azcred"]
    assert "-cp310-abi3-" in wheel
    assert "Requires-Dist" not in metadata and "Requires-Python: >=3.10" in metadata


def test_the_extension_uses_the_stable_abi_only(wheel, tools, tmp_path):
    report = run([tools, "-m", "abi3audit", "--strict", "--summary", wheel], tmp_path)
    assert "1 extensions scanned; 0" in report


def test_the_command_runs_from_the_wheel_in_an_empty_place(wheel, tools, tmp_path):
    uv = [tools, "-m", "uv"]
    offline = ["--offline", "--no-python-downloads", "--no-config"]
    shown = run([*uv, "tool", "run", *offline, "--from", wheel, "azcred", "--version"], tmp_path)
    # With the commit.
    assert "azcred 0.1.0 (" in shown
    run([*uv, "venv", *offline, "--python", tools, "place"], tmp_path)
    programs = tmp_path / "place" / ("Scripts" if os.name == "nt" else "bin")
    run([*uv, "pip", "install", *offline, "--python", programs / "python", wheel], tmp_path)
    assert "azcred 0.1.0" in run([programs / "azcred", "--version"], tmp_path)
    code = "import azcred, json, sys; azcred.Credential(); print(json.dumps([n for n in sys.modules if 'azure' in n]))"
    assert json.loads(run([programs / "python", "-c", code], tmp_path)) == []


PROGRAM = """
import azcred
import azcred.aio
from azcred.himl import get_credential
from azure.core.credentials import SupportsTokenInfo, TokenCredential
from azure.core.credentials_async import AsyncSupportsTokenInfo, AsyncTokenCredential

def uses(one: TokenCredential, two: SupportsTokenInfo) -> int:
    return one.get_token("scope", enable_cae=True).expires_on + two.get_token_info("scope").expires_on

async def waits(one: AsyncTokenCredential, two: AsyncSupportsTokenInfo) -> str:
    return (await one.get_token("scope")).token + (await two.get_token_info("scope")).token

with azcred.Credential(preset="azure", only=["azure-cli"], process_timeout=5) as credential:
    uses(credential, get_credential())

async def main() -> None:
    async with azcred.aio.Credential(exclude="azure-cli", cache=False) as credential:
        await waits(credential, credential)

azcred.enable(profile="work")
try:
    uses(azcred.Credential(), azcred.Credential())
except azcred.CredentialUnavailableError as error:
    print(error.message)
"""
WRONG = PROGRAM + '\nazcred.Credential(preset="nothing")\nazcred.Credential(prset="azure")\n'


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_a_type_checker_accepts_a_program_and_finds_its_mistakes(checker, tools, tmp_path):
    site = os.environ["AZCRED_PYTHON_SITE"]
    (tmp_path / "right.py").write_text(PROGRAM)
    (tmp_path / "wrong.py").write_text(WRONG)
    (tmp_path / "pyrightconfig.json").write_text(
        json.dumps({"extraPaths": [site], "typeCheckingMode": "strict"})
    )
    options = {"mypy": ["--strict", "--no-error-summary"], "pyright": ["--pythonpath", tools]}[checker]
    command = [tools, "-m", checker, *options]
    run([*command, "right.py"], tmp_path, MYPYPATH=site)
    done = finished([*command, "wrong.py"], tmp_path, MYPYPATH=site)
    assert done.returncode == 1
    assert "nothing" in done.stdout and "prset" in done.stdout


def test_the_stubs_are_those_of_the_modules(tools, tmp_path):
    site = os.environ["AZCRED_PYTHON_SITE"]
    command = [tools, "-m", "mypy.stubtest", "--ignore-missing-stub", "--ignore-disjoint-bases", "azcred"]
    run(command, tmp_path, MYPYPATH=site, PYTHONPATH=site)
