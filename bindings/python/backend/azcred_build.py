"""The build backend of the wheel: maturin's, and the command beside the extension.

maturin puts an extension or a command into a wheel, not both. It also takes a folder of files for the wheel: cargo
builds the command, and it is put there first. So it is the same program as cargo installs, and starts without Python.

The variable AZCRED_PROFILE names another profile of cargo, such as `dev`.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import maturin
from maturin import (
    build_sdist,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_wheel",
]

PROJECT = Path(__file__).parents[1]
SCRIPTS = PROJECT / "azcred.data" / "scripts"
# maturin wants the folder for every hook.
SCRIPTS.mkdir(parents=True, exist_ok=True)


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    profile = os.environ.get("AZCRED_PROFILE")
    for old in SCRIPTS.iterdir():
        old.unlink()
    shutil.copy2(_command(profile or "release"), SCRIPTS)
    if profile:
        config_settings = {**(config_settings or {}), "build-args": f"--profile {profile}"}
    return maturin.build_wheel(wheel_directory, config_settings, metadata_directory)


def _command(profile):
    """Builds the command, and returns where it is."""
    cargo = ["cargo", "build", "--locked", "--package", "azcred-cli", "--bin", "azcred", "--profile", profile]
    built = subprocess.run(
        [*cargo, "--message-format", "json-render-diagnostics"],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    messages = [json.loads(line) for line in built.stdout.splitlines() if line.startswith("{")]
    (program,) = {message["executable"] for message in messages if message.get("executable")}
    return program
