"""The servers that are compared: Azurite, and the emulator, each with an account that accepts its key."""

from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import requests

from azurite import ACCOUNT as AZURITES_ACCOUNT
from blob_seen import Server
from emulator import Emulator
from seed import App, new_secret, with_secret
from way import ARM, GROUP

# It is in Azurite's documentation.
AZURITES_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
STORAGE = "https://storage.azure.com"
# Accounts: one that accepts its key, one that does not, and one behind a firewall that permits no address.
KEYS, NO_KEYS, FIREWALL = "stkeys", "stnokeys", "stfirewall"
DOMAIN = "fabrikam.onmicrosoft.com"


@dataclass
class Accounts:
    """A seed with storage accounts, and applications with one role each."""

    file: Path
    tenant: str
    subscription: str
    owner: App
    writer: App
    reader: App
    nothing: App

    def resource(self, account):
        group = f"/subscriptions/{self.subscription}/resourceGroups/{GROUP}"
        return f"{group}/providers/Microsoft.Storage/storageAccounts/{account}"


def make(folder):
    """Writes the seed into the folder, and returns its content."""
    names = ("owner", "writer", "reader", "nothing")
    apps = {name: App(name, str(uuid4()), secret=new_secret()) for name in names}
    made = Accounts(Path(folder) / "accounts.toml", str(uuid4()), str(uuid4()), **apps)
    roles = {
        "owner": "Owner",
        "writer": "Storage Blob Data Contributor",
        "reader": "Storage Blob Data Reader",
    }
    text = f"""
        [[tenants]]
        id = "{made.tenant}"
        name = "Fabrikam"
        domains = ["{DOMAIN}"]

        {"".join(with_secret(app) for app in apps.values())}

        [[subscriptions]]
        id = "{made.subscription}"
        tenant = "{DOMAIN}"
        name = "Fabrikam ML"

        [[resource_groups]]
        subscription = "{made.subscription}"
        name = "{GROUP}"
        location = "westeurope"

        {account(made, KEYS, "allowSharedKeyAccess = true")}
        {account(made, NO_KEYS, "allowSharedKeyAccess = false")}
        {account(made, FIREWALL, 'networkAcls = { defaultAction = "Deny", bypass = "None" }')}
    """
    for name, role in roles.items():
        text += f"""
            [[role_assignments]]
            principal = "{name}"
            role = "{role}"
            scope = "/subscriptions/{made.subscription}"
        """
    made.file.touch(mode=0o600)
    made.file.write_text("\n".join(line.strip() for line in text.splitlines()), encoding="utf-8")
    return made


def account(made, name, properties):
    return f"""
        [[resources]]
        id = "{made.resource(name)}"
        location = "westeurope"
        kind = "StorageV2"
        sku = {{ name = "Standard_LRS", tier = "Standard" }}
        [resources.properties]
        {properties}
    """


@dataclass
class World:
    """An emulator with these accounts."""

    emulator: Emulator
    accounts: Accounts

    def sent(self, method, url, **content):
        """A request to the emulator's own ports."""
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(
                method, url, verify=self.emulator.info["ca_bundle"], timeout=30, **content
            )
        assert answer.ok, answer.text
        return answer.json()

    def token(self, app, audience=STORAGE):
        """A token of an application."""
        form = {"grant_type": "client_credentials", "scope": f"{audience}/.default"}
        form |= {"client_id": app.client_id, "client_secret": app.secret}
        url = f"{self.emulator.info['login_url']}/{self.accounts.tenant}/oauth2/v2.0/token"
        return self.sent("POST", url, data=form)["access_token"]

    def key(self, account):
        """An account's key, as Resource Manager lists it."""
        bearer = {"Authorization": "Bearer " + self.token(self.accounts.owner, ARM)}
        path = f"{self.accounts.resource(account)}/listKeys?api-version=2023-05-01"
        return self.sent("POST", self.emulator.info["arm_url"] + path, headers=bearer)["keys"][0]["value"]

    @property
    def tokens(self):
        """One of the storage, and one of another audience."""
        writer = self.accounts.writer
        return self.token(writer), self.token(writer, ARM)

    def server(self, way="ports", account=KEYS):
        """An account of the emulator, at its port or by its name in Azure."""
        options = {"connection_verify": self.emulator.info["ca_bundle"]}
        url = f"{self.emulator.info['blob_url']}/{account}"
        if way == "names":
            url = f"https://{account}.blob.core.windows.net"
            options["proxies"] = {"https": self.emulator.info["proxy_url"]}
        return Server("the emulator", url, account, self.key(account), *self.tokens, options)

    def azurite(self, storage):
        """Azurite, which takes the emulator's tokens."""
        url = f"https://localhost:{storage.port}/{AZURITES_ACCOUNT}"
        options = {"connection_verify": storage.trusted.variables["REQUESTS_CA_BUNDLE"]}
        return Server("Azurite", url, AZURITES_ACCOUNT, AZURITES_KEY, *self.tokens, options)
