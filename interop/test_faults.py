"""Faults affect every client alike: each reports the code of the fault, and a client that must wait tries again."""

import json

import pytest

from emulator import codes
from way import Job


@pytest.fixture
def faults(emulator):
    """Adds a fault to the login service. All faults are removed after the test."""
    emulator.admin("DELETE", "/requests")
    yield lambda **fault: emulator.admin("POST", "/faults", json={"service": "login"} | fault)
    emulator.admin("DELETE", "/faults")


def token_requests(emulator):
    return [served for served in emulator.admin("GET", "/requests") if served["path"].endswith("/token")]


@pytest.mark.parametrize("code", [53003, 50076, 7000229, 500011, 50105, 65001])
def test_every_client_reports_the_code_of_the_fault(code, faults, ports, apps):
    faults(client_id=apps.demo.client_id, effect={"kind": "aadsts", "code": code})
    proof = apps.demo.ids(ports) | {"client_secret": apps.demo.secret}
    variables = apps.demo.variables(ports) | {"AZURE_CLIENT_SECRET": apps.demo.secret}
    azcred = ports.emulator.azcred("token", "--output", "json", env=ports.environment | variables)
    named = {
        "azure-identity": codes(ports.identity("identity", Job("secret", proof))["message"])[:1],
        "MSAL": ports.msal(apps.demo, apps.demo.secret)["answer"]["error_codes"],
        "azcred": codes(json.loads(azcred.stderr)["error"]["code"]),
    }
    assert named == dict.fromkeys(named, [code])
    assert azcred.returncode == 4


@pytest.mark.parametrize("client", ["azure-identity", "azcred"])
def test_a_client_that_must_wait_tries_again(client, faults, ports, apps):
    faults(path="/token", count=1, effect={"kind": "status", "status": 429, "retry_after": 1})
    if client == "azcred":
        variables = apps.demo.variables(ports) | {"AZURE_CLIENT_SECRET": apps.demo.secret}
        done = ports.emulator.azcred("token", env=ports.environment | variables)
        assert done.returncode == 0, done.stderr
    else:
        job = Job("secret", apps.demo.ids(ports) | {"client_secret": apps.demo.secret})
        assert "token" in ports.identity("identity", job)
    assert [served["status"] for served in token_requests(ports.emulator)] == [429, 200]
