"""A way into the emulator. It runs programs."""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import jwt
import requests

HERE = Path(__file__).parent
PROGRAM_WITHIN = 90

ARM = "https://management.azure.com"
GROUP = "rg-contoso-ml"
WORKSPACE = "ws-contoso-ml"


@dataclass
class Job:
    """One sign-in with azure-identity: the credential, its arguments, the environment, the scope."""

    credential: str
    arguments: dict
    variables: dict = field(default_factory=dict)
    scope: str = ARM + "/.default"


class Way:
    """A way into the emulator: the environment of its programs, and the URLs of the services."""

    def __init__(self, emulator, name, apps):
        self.emulator, self.name = emulator, name
        # The environment has no identity. A test adds one to programs that read it from the environment.
        self.environment = emulator.environment(name, "no-account")
        by_ports = name == "ports"
        self.login = emulator.info["login_url"] if by_ports else "https://login.microsoftonline.com"
        self.arm = emulator.info["arm_url"] if by_ports else "https://management.azure.com"
        # By ports the authority is not one of Microsoft's, and MSAL would check that with Microsoft.
        self.identity_options = {"disable_instance_discovery": True} if by_ports else {}
        self.tenant, self.subscription = apps.tenant, apps.subscription
        self._keys = None

    def __repr__(self):
        return self.name

    def get(self, url):
        """A GET by this way, from the test."""
        environment = self.environment
        proxy = environment.get("HTTPS_PROXY")
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(
                url,
                verify=environment["REQUESTS_CA_BUNDLE"],
                proxies={"https": proxy} if proxy else {},
                timeout=30,
            )
        answer.raise_for_status()
        return answer.json()

    def configuration(self, version="v2.0"):
        """The URL of the tenant's OpenID configuration."""
        path = "/v2.0" if version == "v2.0" else ""
        return f"{self.login}/{self.tenant}{path}/.well-known/openid-configuration"

    def claims(self, token, audience):
        """A token's claims, after PyJWT has verified it with the key set."""
        if self._keys is None:
            self._keys = jwt.PyJWKSet.from_dict(self.get(self.get(self.configuration())["jwks_uri"]))
        key = self._keys[jwt.get_unverified_header(token)["kid"]]
        required = {"require": ["exp", "nbf", "iat", "aud", "iss", "tid", "oid"]}
        return jwt.decode(token, key.key, algorithms=["RS256"], audience=audience, options=required)

    def identity(self, program, job):
        """Runs a program that uses azure-identity."""
        question = {
            "credential": job.credential,
            "arguments": self.identity_options | job.arguments,
            "scope": job.scope,
        }
        return self.run(program, question, **job.variables)

    def msal(self, app, credential, scope=ARM + "/.default", tenant=None):
        """Runs a program that uses MSAL directly."""
        question = {
            "client_id": app.client_id,
            "authority": f"{self.login}/{tenant or self.tenant}",
            "client_credential": credential,
            "scope": scope,
            # None is MSAL's default: on.
            "instance_discovery": False if self.identity_options else None,
        }
        return self.run("msal_app", question)

    def run(self, program, job, **variables):
        """Runs one of the programs in this way's environment. Returns its output."""
        done = subprocess.run(
            [sys.executable, HERE / "programs" / f"{program}.py"],
            input=json.dumps(job),
            env=self.environment | {name: str(value) for name, value in variables.items()},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=PROGRAM_WITHIN,
        )
        assert done.returncode == 0, f"{program} broke:\n{done.stderr}\n--- emulator:\n{self.emulator.said()}"
        return json.loads(done.stdout)
