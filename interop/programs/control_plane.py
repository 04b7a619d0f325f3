"""A program that uses Azure Resource Manager with Microsoft's management clients.

Standard input: {"subscription", "resource_group", "scope", "base_url", "arguments"}. Standard output: the result of
each call, or its error.
"""

import json
import sys
from uuid import uuid4

from azure.core.exceptions import HttpResponseError
from azure.identity import EnvironmentCredential
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient

job = json.load(sys.stdin)
where = {}
if job["base_url"]:
    where = {
        "base_url": job["base_url"],
        "credential_scopes": [job["base_url"].rstrip("/") + "/.default"],
    }
credential = EnvironmentCredential(**job["arguments"])
resources = ResourceManagementClient(credential, job["subscription"], **where)
access = AuthorizationManagementClient(credential, job["subscription"], **where)
group = job["resource_group"]


def delete_a_group():
    """Makes a group, deletes it, and waits for the end of that. Returns whether it was there, and is there."""
    groups, name = resources.resource_groups, f"rg-{uuid4()}"
    groups.create_or_update(name, {"location": "westeurope"})
    before = groups.check_existence(name)
    groups.begin_delete(name).result()
    return before, groups.check_existence(name)


CALLS = {
    "resource_group": lambda: resources.resource_groups.get(group).id,
    "resources": lambda: [r.id for r in resources.resources.list_by_resource_group(group)],
    "permissions": lambda: [
        {"actions": p.actions, "not_actions": p.not_actions}
        for p in access.permissions.list_for_resource_group(group)
    ],
    "roles": lambda: {r.name: r.role_name for r in access.role_definitions.list(job["scope"])},
    "assignments": lambda: [
        {"role": a.role_definition_id, "principal": a.principal_id, "scope": a.scope}
        for a in access.role_assignments.list_for_scope(job["scope"])
    ],
    "no_such_group": lambda: resources.resource_groups.get("no-such-group").id,
    "providers": lambda: [p.namespace for p in resources.providers.list()],
    "tags": lambda: resources.tags.get_at_scope(job["scope"]).properties.tags,
    "tag_names": lambda: [t.tag_name for t in resources.tags.list()],
    "identities": lambda: [
        r.name
        for r in resources.resources.list(
            filter="resourceType eq 'Microsoft.ManagedIdentity/userAssignedIdentities'"
        )
    ],
    "denied": lambda: [d.deny_assignment_name for d in access.deny_assignments.list_for_scope(job["scope"])],
    "deleted": delete_a_group,
    "not_served": lambda: (
        resources.resources.get_by_id(
            job["scope"] + "/providers/Microsoft.Network/virtualNetworks/none", api_version="2024-05-01"
        ).id
    ),
}

answer = {}
for name, call in CALLS.items():
    try:
        answer[name] = call()
    except HttpResponseError as error:
        answer[name] = {
            "error": error.error.code if error.error else type(error).__name__,
            "message": error.message,
            "status": error.status_code,
        }
json.dump(answer, sys.stdout)
