"""Tools that submit jobs, each in an environment of its own, as one identity after another."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from emulator import bare_environment
from test_sp import Desk
from way import HERE

# On an idle machine the slowest takes ten seconds, most of them to import its packages.
ENDS_WITHIN = 110


@dataclass(frozen=True)
class Identity:
    """A machine with an account, whether the tool gets it by `azcred exec`, and more variables."""

    persona: str
    by_azcred: bool = False
    variables: dict = field(default_factory=dict)


def identities(reads):
    """A person, and a service principal by the variables of azure-identity and of hi-ml.

    A tool that does not read a form of the variables gets that identity by `azcred exec`.
    """
    return {
        "person": Identity("laptop", by_azcred=True),
        "AZURE_*": Identity("sp", by_azcred=reads != "AZURE_*"),
        "HIML_*": Identity("himl", by_azcred=reads != "HIML_*"),
    }


def application(azure, name):
    """An application of the seed, by `AZURE_*`."""
    [app] = [one for one in azure.info["identities"] if one["name"] == name]
    names = {"AZURE_TENANT_ID": "tenant_id", "AZURE_CLIENT_ID": "client_id", "AZURE_CLIENT_SECRET": "secret"}
    return Identity("no-account", variables={name: app[key] for name, key in names.items()})


def python(variable):
    """The Python of an environment."""
    return Path(os.environ[variable])


class Submitter(Desk):
    """A person's desk with a copy of a project, from which jobs are submitted."""

    def __init__(self, azure, folder, project):
        folder.mkdir(exist_ok=True)
        super().__init__(azure, folder)
        shutil.copytree(HERE / "projects" / project, folder, dirs_exist_ok=True)
        (folder / "home").mkdir()

    def submit(self, *command, identity, refused=False, cwd=None):
        """Runs a tool as an identity, which must succeed, or be refused. Returns the finished process."""
        machine = (
            self.azure.binary,
            "emulator",
            "exec",
            "--state",
            self.azure.state,
            "--as",
            identity.persona,
        )
        # No tool reports to its maker that it is used.
        variables = {"DO_NOT_TRACK": "1", "PYTHONDONTWRITEBYTECODE": "1"} | identity.variables
        machine = (*machine, "--", "env", *(f"{name}={value}" for name, value in variables.items()))
        if identity.by_azcred:
            machine = (*machine, self.azure.binary, "exec", "--")
        own = {name: self.variables[name] for name in ("HOME", "USERPROFILE")}
        programs = (Path(self.azure.binary).parent, Path(os.environ["AZCRED_AZURE_CLI"]).parent)
        environment = bare_environment(self.folder) | own
        environment["PATH"] = os.pathsep.join((*map(str, programs), environment["PATH"]))
        done = subprocess.run(
            [str(one) for one in (*machine, *command)],
            env=environment,
            cwd=cwd or self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=ENDS_WITHIN,
        )
        said = f"{done.stdout}\n{done.stderr}\n--- emulator:\n{self.azure.said()}"
        assert (done.returncode != 0) == refused, said
        return done

    def who(self, identity):
        """The object id of an identity."""
        whoami = (self.azure.binary, "whoami", "--output", "json")
        return json.loads(self.submit(*whoami, identity=identity).stdout)["objectId"]

    def recorded(self, job):
        """A job, as the emulator recorded it."""
        command = ("emulator", "jobs", "show", job, "--state", self.azure.state, "--output", "json")
        done = self.azure.azcred(*command)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
