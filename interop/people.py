"""A seed with users: two tenants, their members and guests, and CI systems that an application trusts."""

from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from seed import new_secret
from way import Way

HOME = "contoso.com"
AWAY = "northwind.com"
GITHUB = "https://token.actions.githubusercontent.com"
PIPELINES = f"https://vstoken.dev.azure.com/{uuid4()}"
# MSAL does not use a token that is valid for less than five minutes: it requests a new one each time.
SHORT = 200


@dataclass
class Person:
    """A user who signs in."""

    name: str
    password: str


@dataclass
class People:
    """The users of the seed, and their resources."""

    file: Path
    home: str
    away: str
    subscription: str
    away_subscription: str
    # Of HOME and a guest in AWAY; only of HOME; and one who needs a second factor.
    ada: Person
    grace: Person
    katherine: Person
    client_id: str
    secret: str
    ci_client_id: str
    # Programs of HOME that users sign in to: two that request consent, which the second never gets, and one that needs
    # an administrator's consent.
    notebook: str
    plotter: str
    audited: str

    @property
    def tenant(self):
        return self.home


class World:
    """An emulator with users."""

    def __init__(self, emulator, people):
        self.emulator, self.people = emulator, people
        self._ways = {}

    def way(self, by, persona):
        """A way into the emulator, in a persona's environment."""
        if (by, persona) not in self._ways:
            way = Way(self.emulator, by, self.people)
            way.environment = self.emulator.environment(by, persona)
            self._ways[by, persona] = way
        return self._ways[by, persona]


def make(folder):
    """Writes the seed into the folder, and returns its content."""
    home, away, subscription, away_subscription = (str(uuid4()) for _ in range(4))
    client_id, ci_client_id, notebook, plotter, audited, guest = (str(uuid4()) for _ in range(6))
    secret = new_secret()
    ada, grace, katherine = (Person(f"{name}@{HOME}", new_secret()) for name in ("ada", "grace", "katherine"))
    text = f"""
        [[tenants]]
        id = "{home}"
        name = "Contoso"
        domains = ["{HOME}"]
        device_code_interval = 1

        [[tenants]]
        id = "{away}"
        name = "Northwind"
        domains = ["{AWAY}"]
        access_token_lifetime = {SHORT}

        [[applications]]
        tenant = "{HOME}"
        app_id = "{client_id}"
        name = "deployer"
        service_principal = {{ id = "{uuid4()}" }}
        secrets = [{{ name = "a secret", value = "{secret}" }}]

        [[applications]]
        tenant = "{HOME}"
        app_id = "{ci_client_id}"
        name = "ci"
        service_principal = {{ id = "{uuid4()}" }}
        federated_credentials = [
            {{ name = "github", issuer = "{GITHUB}", subject = "repo:contoso/models:ref:refs/heads/main" }},
            {{ name = "pipelines", issuer = "{PIPELINES}", subject = "sc://contoso/models/azure-ml" }},
        ]

        [[applications]]
        tenant = "{HOME}"
        app_id = "{notebook}"
        name = "Notebook"
        public_client = true

        [[applications]]
        tenant = "{HOME}"
        app_id = "{plotter}"
        name = "Plotter"
        public_client = true

        [[applications]]
        tenant = "{HOME}"
        app_id = "{audited}"
        name = "Audited"
        public_client = true
        admin_consent_required = true

        [[issuers]]
        url = "{GITHUB}"

        [[issuers]]
        url = "{PIPELINES}"

        {user(1, ada)}
        {user(2, grace)}
        {user(3, katherine)}

        [[conditional_access]]
        tenant = "{HOME}"
        name = "A second factor"
        users = ["{katherine.name}"]
        require = "mfa"


        [[users]]
        id = "{guest}"
        tenant = "{AWAY}"
        user_principal_name = "ada_{HOME}#EXT#@{AWAY}"
        name = "Ada (guest)"
        guest_of = "{ada.name}"

        [[subscriptions]]
        id = "{subscription}"
        tenant = "{HOME}"
        name = "Contoso ML"

        [[subscriptions]]
        id = "{away_subscription}"
        tenant = "{AWAY}"
        name = "Northwind ML"

        [[role_assignments]]
        principal = "{ada.name}"
        role = "Owner"
        scope = "/subscriptions/{subscription}"

        [[role_assignments]]
        principal = "{guest}"
        role = "Reader"
        scope = "/subscriptions/{away_subscription}"

        [[role_assignments]]
        principal = "deployer"
        role = "Contributor"
        scope = "/subscriptions/{subscription}"
    """
    file = Path(folder) / "people.toml"
    file.touch(mode=0o600)
    file.write_text("\n".join(line.strip() for line in text.splitlines()), encoding="utf-8")
    whom = (ada, grace, katherine)
    programs = (client_id, secret, ci_client_id, notebook, plotter, audited)
    return People(file, home, away, subscription, away_subscription, *whom, *programs)


def user(number, person):
    # The emulator's persona `laptop` is the first user, by object id.
    return f"""
        [[users]]
        id = "e0000001-0000-4000-8000-00000000000{number}"
        tenant = "{HOME}"
        user_principal_name = "{person.name}"
        name = "{person.name.partition("@")[0].title()} of Contoso"
        password = "{person.password}"
    """
