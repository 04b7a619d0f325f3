"""A seed for the tests: a tenant, one application for each accepted or rejected way to sign in, and their roles."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from keys import Certificate, Issuer
from way import GROUP, WORKSPACE

DOMAIN = "fabrikam.onmicrosoft.com"


@dataclass
class App:
    """An application, as its owner knows it."""

    name: str
    client_id: str
    secret: str | None = None
    uri: str | None = None

    def ids(self, way):
        """The first arguments of every credential of azure-identity."""
        return {"tenant_id": way.tenant, "client_id": self.client_id}

    def variables(self, way):
        """The same as environment variables."""
        return {"AZURE_TENANT_ID": way.tenant, "AZURE_CLIENT_ID": self.client_id}


@dataclass
class Apps:
    """The applications by name, and the credentials of some of them."""

    file: Path
    tenant: str
    subscription: str
    certificate: Certificate
    stranger: Certificate
    issuer: Issuer
    demo: App
    certified: App
    federated: App
    expired: App
    disabled: App
    nothing: App
    contributor: App
    api: App
    # A service that acts for its callers, with a secret and the certificate, and one of them: name, password.
    middle: App
    caller: tuple[str, str]


def new_secret():
    """A secret that begins with a letter. On a command line, a leading `-` would make it an option."""
    return "s" + secrets.token_urlsafe(30)


def make(folder):
    """Creates the keys, writes the seed into the folder, and returns its content."""
    tenant, subscription = str(uuid4()), str(uuid4())
    certificate = Certificate(folder, "certified")
    issuer = Issuer()
    app = {name: App(name, str(uuid4())) for name in ("certified", "federated")}
    for name in ("demo", "expired", "disabled", "nothing", "contributor"):
        app[name] = App(name, str(uuid4()), secret=new_secret())
    app["api"] = App("api", str(uuid4()), uri="api://fabrikam-api")
    app["middle"] = App("middle", str(uuid4()), secret=new_secret(), uri="api://fabrikam-middle")
    caller = (f"caller@{DOMAIN}", new_secret())

    group = f"/subscriptions/{subscription}/resourceGroups/{GROUP}"
    workspace = f"{group}/providers/Microsoft.MachineLearningServices/workspaces/{WORKSPACE}"
    text = f"""
        [[tenants]]
        id = "{tenant}"
        name = "Fabrikam"
        domains = ["{DOMAIN}"]

        {with_secret(app["demo"])}
        {with_secret(app["expired"], expires="2025-01-31T00:00:00Z")}
        {with_secret(app["disabled"], enabled=False)}
        {with_secret(app["nothing"])}
        {with_secret(app["contributor"])}

        {application(app["certified"])}
        certificates = [{{ name = "ci", pem = {quoted(certificate.public)} }}]

        {application(app["federated"])}
        [[applications.federated_credentials]]
        name = "ci"
        issuer = "{issuer.URL}"
        subject = "{issuer.SUBJECT}"

        {application(app["api"])}
        identifier_uris = ["{app["api"].uri}"]
        access_token_version = 2

        {with_secret(app["middle"])}
        identifier_uris = ["{app["middle"].uri}"]
        consented = true
        certificates = [{{ name = "ci", pem = {quoted(certificate.public)} }}]

        [[users]]
        id = "{uuid4()}"
        tenant = "{DOMAIN}"
        user_principal_name = "{caller[0]}"
        name = "A caller"
        password = "{caller[1]}"

        [[issuers]]
        url = "{issuer.URL}"
        [[issuers.jwks.keys]]
        kid = "{issuer.jwk["kid"]}"
        kty = "RSA"
        n = "{issuer.jwk["n"]}"
        e = "{issuer.jwk["e"]}"

        [[subscriptions]]
        id = "{subscription}"
        tenant = "{DOMAIN}"
        name = "Fabrikam ML"

        [[resource_groups]]
        subscription = "{subscription}"
        name = "{GROUP}"
        location = "westeurope"

        [[resources]]
        id = "{group}/providers/Microsoft.Storage/storageAccounts/stfabrikam"
        location = "westeurope"

        [[workspaces]]
        subscription = "{subscription}"
        resource_group = "{GROUP}"
        name = "{WORKSPACE}"
        location = "westeurope"
        workspace_id = "{uuid4()}"
        storage_account = "stfabrikam"
        key_vault = "kv-fabrikam"
        application_insights = "appi-fabrikam"

        [[role_assignments]]
        principal = "demo"
        role = "AzureML Data Scientist"
        scope = "{workspace}"

        [[role_assignments]]
        principal = "contributor"
        role = "Contributor"
        scope = "/subscriptions/{subscription}"
    """
    file = Path(folder) / "seed.toml"
    file.touch(mode=0o600)
    file.write_text("\n".join(line.strip() for line in text.splitlines()), encoding="utf-8")
    stranger = Certificate(folder, "stranger")
    return Apps(file, tenant, subscription, certificate, stranger, issuer, caller=caller, **app)


def application(app, enabled=True):
    return f"""
        [[applications]]
        app_id = "{app.client_id}"
        name = "{app.name}"
        service_principal = {{ id = "{uuid4()}", enabled = {quoted(enabled)} }}
    """


def with_secret(app, expires="2099-01-01T00:00:00Z", enabled=True):
    secret = f'{{ name = "a secret", value = "{app.secret}", expires = "{expires}" }}'
    return application(app, enabled) + f"secrets = [{secret}]"


def quoted(value):
    """A basic string or a boolean of TOML. Both are the same in JSON."""
    return json.dumps(value)
