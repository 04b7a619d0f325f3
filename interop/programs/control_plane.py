"""A program that reads Azure Resource Manager with Microsoft's management clients.

Standard input: {"subscription", "resource_group", "scope", "base_url", "arguments"}. Standard output: the result of
each call, or its error.
"""

import json
import sys

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
