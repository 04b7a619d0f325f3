"""The build backend of the package: maturin's, and what maturin does not do.

The wheel has the command beside the extension. maturin puts an extension or a command into a wheel, not both. It also
takes a folder of files for the wheel: cargo builds the command, and it is put there first. So it is the same program as
cargo installs, and starts without Python. The variable AZCRED_PROFILE names another profile of cargo, such as `dev`.
AZCRED_COMPATIBILITY names a policy of maturin's for other machines, such as `manylinux_2_34`.

The sdist has the whole repository, because the command needs nearly all of it. maturin's would have the crates of the
extension only.
"""

import contextlib
import email
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import maturin

PROJECT = Path(__file__).parents[1]
ROOT = PROJECT.parents[1]
SCRIPTS = PROJECT / "azcred.data" / "scripts"

# The sdist's own `pyproject.toml`: it only leads to this backend.
LEADS_HERE = """\
[build-system]
requires = ["maturin>=1.9,<2"]
build-backend = "azcred_build"
backend-path = ["bindings/python/backend"]
"""


def get_requires_for_build_wheel(config_settings=None):
    return []


def get_requires_for_build_sdist(config_settings=None):
    return []


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    with _in_project():
        return maturin.prepare_metadata_for_build_wheel(metadata_directory, config_settings)


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    with _in_project():
        profile = os.environ.get("AZCRED_PROFILE")
        for old in SCRIPTS.iterdir():
            old.unlink()
        shutil.copy2(_command(profile or "release"), SCRIPTS)
        arguments = [f"--profile {profile}"] if profile else []
        if policy := os.environ.get("AZCRED_COMPATIBILITY"):
            arguments.append(f"--compatibility {policy}")
        if arguments:
            config_settings = {**(config_settings or {}), "build-args": " ".join(arguments)}
        return maturin.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_sdist(sdist_directory, config_settings=None):
    with tempfile.TemporaryDirectory() as folder:
        metadata = Path(folder, prepare_metadata_for_build_wheel(folder), "METADATA").read_bytes()
    name = f"azcred-{email.message_from_bytes(metadata)['Version']}"
    made = {
        "PKG-INFO": metadata,
        "pyproject.toml": LEADS_HERE.encode(),
        # As cargo writes it into a crate's package: `azcred --version` names the commit.
        "crates/azcred-cli/.cargo_vcs_info.json": json.dumps(
            {"git": {"sha1": _git("rev-parse", "HEAD").strip()}}
        ).encode(),
    }
    with tarfile.open(Path(sdist_directory, f"{name}.tar.gz"), "w:gz", format=tarfile.PAX_FORMAT) as sdist:
        for path in sorted(_git("ls-files", "-z").split("\0")):
            # A file that was removed and not committed is listed too.
            if path and path not in made and (ROOT / path).exists():
                sdist.add(ROOT / path, f"{name}/{path}", filter=_without_owner)
        for path, content in made.items():
            entry = tarfile.TarInfo(f"{name}/{path}")
            entry.size = len(content)
            sdist.addfile(entry, io.BytesIO(content))
    return f"{name}.tar.gz"


def _without_owner(entry):
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def _git(*arguments):
    """What git says about the repository, which an sdist is made from."""
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, encoding="utf-8", check=True
    ).stdout


@contextlib.contextmanager
def _in_project():
    """maturin reads `pyproject.toml` of the current folder, which is another one in an sdist."""
    # maturin wants the folder for every hook.
    SCRIPTS.mkdir(parents=True, exist_ok=True)
    before = os.getcwd()
    os.chdir(PROJECT)
    try:
        yield
    finally:
        os.chdir(before)


def _command(profile):
    """Builds the command, and returns where it is."""
    if not shutil.which("cargo"):
        raise SystemExit(
            "Building azcred requires Rust, and `cargo` is not on PATH: install it from https://rustup.rs."
        )
    cargo = ["cargo", "build", "--locked", "--package", "azcred-cli", "--bin", "azcred", "--profile", profile]
    built = subprocess.run(
        [*cargo, "--message-format", "json-render-diagnostics"],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        check=True,
    )
    messages = [json.loads(line) for line in built.stdout.splitlines() if line.startswith("{")]
    (program,) = {message["executable"] for message in messages if message.get("executable")}
    return program
