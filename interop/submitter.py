"""Tools that submit jobs, each in an environment of its own, as one identity after another."""

import json
import os
import shutil
import subprocess
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import requests

from emulator import bare_environment
from way import ARM, HERE

STORAGE = "https://storage.azure.com"

# On an idle machine the slowest takes ten seconds, most of them to import its packages.
ENDS_WITHIN = 110


@dataclass(frozen=True)
class Identity:
    """A machine with an account, whether the tool gets it by `azcred exec`, and more variables and options of that."""

    persona: str
    by_azcred: bool = False
    variables: dict = field(default_factory=dict)
    options: tuple = ()


@dataclass(frozen=True)
class Said:
    """What a tool printed."""

    stdout: str
    stderr: str


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


class Submitter:
    """A folder from which jobs are submitted to the emulator's workspace."""

    def __init__(self, azure, folder):
        self.azure, self.folder, self.home = azure, folder / "project", folder / "home"
        for made in (self.folder, self.home):
            made.mkdir()

    def with_project(self, name):
        """Copies a project into the folder, and says there which workspace it is for."""
        shutil.copytree(HERE / "projects" / name, self.folder, dirs_exist_ok=True)
        found = self.azure.info["workspace"]
        names = ("subscription_id", "resource_group")
        config = {name: found[name] for name in names} | {"workspace_name": found["name"]}
        (self.folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        return self

    def start(self, *command, identity, cwd=None):
        """Starts a tool as an identity."""
        machine = ("emulator", "exec", "--state", self.azure.state, "--as", identity.persona, "--", "env")
        # No tool reports to its maker that it is used.
        variables = {"DO_NOT_TRACK": "1", "PYTHONDONTWRITEBYTECODE": "1"} | identity.variables
        machine = (self.azure.binary, *machine, *(f"{name}={value}" for name, value in variables.items()))
        if identity.by_azcred:
            machine = (*machine, self.azure.binary, "exec", *identity.options, "--")
        programs = (Path(self.azure.binary).parent, Path(os.environ["AZCRED_AZURE_CLI"]).parent)
        environment = bare_environment(self.home)
        environment["PATH"] = os.pathsep.join((*map(str, programs), environment["PATH"]))
        return subprocess.Popen(
            [str(one) for one in (*machine, *command)],
            env=environment,
            cwd=cwd or self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def end(self, process, refused=False):
        """Waits for a tool, which must succeed, or be refused. Returns what it printed."""
        try:
            out, error = process.communicate(timeout=ENDS_WITHIN)
        finally:
            process.kill()
        assert (process.returncode != 0) == refused, f"{out}\n{error}\n--- emulator:\n{self.azure.said()}"
        return Said(out, error)

    def submit(self, *command, identity, refused=False, cwd=None):
        """Runs a tool as an identity, to its end."""
        return self.end(self.start(*command, identity=identity, cwd=cwd), refused)

    def who(self, identity):
        """Who an identity is: its object id, and the name that Azure records."""
        whoami = (self.azure.binary, "whoami", "--output", "json")
        who = json.loads(self.submit(*whoami, identity=identity).stdout)
        return {"oid": who["objectId"], "name": who["userName"] or who["applicationId"]}

    def principal(self, role):
        """A new service principal with a role at the workspace."""
        name = f"{role.lower()}-{uuid.uuid4().hex[:8]}"
        create = ("sp", "create", name, "--role", role, "--for", "azure", "--to", name)
        self.submit(self.azure.binary, *create, identity=Identity("laptop"))
        lines = (self.folder / name).read_text(encoding="utf-8").splitlines()
        pairs = (line.split("=", 1) for line in lines if line and not line.startswith("#"))
        return Identity("no-account", variables={key: value.strip("'\"") for key, value in pairs})

    def seen(self, process, is_it, number=1):
        """Waits until the emulator has served so many requests of a tool that runs, since they were last forgotten."""
        last, found = 0, 0
        deadline = time.monotonic() + ENDS_WITHIN
        while found < number:
            if process.poll() is not None:
                raise AssertionError(f"ended after {found} of {number} requests: {process.communicate()}")
            assert time.monotonic() < deadline, f"{found} of {number} requests"
            for one in self.azure.admin("GET", f"/requests?after={last}&wait=2"):
                last = one["number"]
                found += bool(is_it(one))

    def jobs(self, *arguments):
        """`azcred emulator jobs`."""
        done = self.azure.azcred(
            "emulator", "jobs", *arguments, "--state", self.azure.state, "--output", "json"
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout or "null")

    def recorded(self, job):
        """A job, as the emulator recorded it."""
        return self.jobs("show", job)

    def read(self, url, resource):
        """The content of an address of Azure, read by a service principal that may read all of it."""
        command = (self.azure.binary, "token", "--resource", resource)
        token = self.submit(*command, identity=Identity("sp")).stdout.strip()
        headers = {"Authorization": f"Bearer {token}", "x-ms-version": "2025-01-05"}
        with requests.Session() as session:
            session.trust_env = False
            session.proxies = {"https": self.azure.info["proxy_url"]}
            session.verify = self.azure.info["ca_bundle"]
            answer = session.get(url, headers=headers, timeout=30)
        answer.raise_for_status()
        return answer.content

    def code(self, code_id):
        """The files of a code asset, by their paths."""
        version = json.loads(self.read(f"{ARM}{code_id}?api-version=2023-04-01", ARM))
        address = urlsplit(version["properties"]["codeUri"])
        container, _, folder = address.path[1:].partition("/")
        return self.files(f"https://{address.hostname}/{container}", folder)

    def files(self, container, folder):
        """The files in a folder of a container, by their paths."""
        listed = self.read(f"{container}?restype=container&comp=list&prefix={folder}/", STORAGE)
        names = [one.text for one in ElementTree.fromstring(listed.decode("utf-8-sig")).iter("Name")]
        files = {name: self.read(f"{container}/{name}", STORAGE).decode() for name in names}
        return {name.removeprefix(f"{folder}/"): content for name, content in files.items()}
