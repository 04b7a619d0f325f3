"""Microsoft's clients of the control plane read what the principal may read, and report why they are rejected."""

import pytest

from way import ARM, GROUP, WORKSPACE


def workspace(way, app):
    job = {
        "subscription": way.subscription,
        "resource_group": GROUP,
        "workspace": WORKSPACE,
        "arguments": way.identity_options,
    }
    return way.run("workspace", job, **app.variables(way), AZURE_CLIENT_SECRET=app.secret)


def control_plane(way, app):
    job = {
        "subscription": way.subscription,
        "resource_group": GROUP,
        "scope": f"/subscriptions/{way.subscription}/resourceGroups/{GROUP}",
        "base_url": None if way.arm == ARM else way.arm,
        "arguments": way.identity_options,
    }
    return way.run("control_plane", job, **app.variables(way), AZURE_CLIENT_SECRET=app.secret)


def test_azure_ai_ml_reads_the_workspace(way, apps):
    answer = workspace(way, apps.demo)
    assert answer.get("name") == WORKSPACE, answer
    assert answer["id"].endswith(f"/Microsoft.MachineLearningServices/workspaces/{WORKSPACE}")
    assert answer["storage_account"] and answer["location"]


def test_azure_ai_ml_and_hi_ml_find_the_workspace_that_azcred_chose(ports, apps, tmp_path):
    folder = tmp_path / "project" / "notebooks"
    folder.mkdir(parents=True)
    app = apps.demo
    environment = ports.environment | app.variables(ports) | {"AZURE_CLIENT_SECRET": app.secret}
    done = ports.emulator.azcred(
        *("workspace", "use", WORKSPACE, "--file", str(folder.parent / "config.json")),
        env={name: str(value) for name, value in environment.items()},
    )
    assert done.returncode == 0, done.stderr
    # From a subfolder, as a notebook in it does.
    answer = ports.run("workspace_config", {"folder": str(folder)})
    expected = [ports.subscription, GROUP, WORKSPACE]
    assert answer == {"azure_ai_ml": expected, "hi_ml": expected}


def test_azure_ai_ml_is_rejected_without_a_role(way, apps):
    answer = workspace(way, apps.nothing)
    assert (answer["error"], answer["status"]) == ("AuthorizationFailed", 403), answer
    # ARM names the principal, the action and the scope: the reader needs all three.
    for part in (
        apps.nothing.client_id,
        "Microsoft.MachineLearningServices/workspaces/read",
        f"workspaces/{WORKSPACE}",
    ):
        assert part in answer["message"], answer


def test_a_contributor_reads_the_control_plane(way, apps):
    answer = control_plane(way, apps.contributor)
    assert answer["resource_group"].endswith(f"/resourceGroups/{GROUP}"), answer
    assert any("workspaces" in resource for resource in answer["resources"]), answer
    assert any("*" in permission["actions"] for permission in answer["permissions"]), answer
    assert answer["roles"]["f6c7c914-8db3-469d-8ca1-694a8f32e121"] == "AzureML Data Scientist"
    assert answer["no_such_group"]["error"] == "ResourceGroupNotFound", answer
    assert answer["no_such_group"]["status"] == 404
    assert "Microsoft.ManagedIdentity" in answer["providers"]
    assert (answer["tags"], answer["identities"], answer["denied"]) == ({}, [], []), answer
    assert answer["not_served"]["error"] == "NotServedByEmulator"
    assert answer["tag_names"] == []
    assert answer["deleted"] == [True, False]


def test_a_principal_without_a_role_sees_nothing(ports, apps):
    answer = control_plane(ports, apps.nothing)
    for call in ("resource_group", "roles", "assignments"):
        assert answer[call]["error"] == "AuthorizationFailed", (call, answer[call])


@pytest.mark.parametrize("call", ["resource_group"])
def test_the_demo_principal_may_use_the_workspace_and_not_the_group(call, ports, apps):
    answer = control_plane(ports, apps.demo)
    assert answer[call]["error"] == "AuthorizationFailed", answer
