//! Paths, and what they name.

use super::*;

fn parsed(path: &str) -> String {
    let path: Vec<String> = path.split('/').map(str::to_owned).collect();
    match Target::parse(&path) {
        Ok(target) => format!("{target:?}"),
        Err(Missing::NotServed) => "not served".to_owned(),
        Err(Missing::Segment(segment)) => format!("no {segment}"),
    }
}

#[test]
fn a_path_names_the_same_in_every_form() {
    for (forms, expected) in [
        (
            &["users/x", "USERS('x')", "Users(x)"][..],
            "Object(User, Id(\"x\"))",
        ),
        (
            &[
                "servicePrincipals(appId='x')",
                "serviceprincipals(APPID = 'x')",
            ],
            "Object(ServicePrincipal, Other(\"appId\", \"x\"))",
        ),
        (&["users('o''x')"], "Object(User, Id(\"o'x\"))"),
        (&["me"], "Object(User, Me)"),
        (
            &[
                "me/memberOf/microsoft.graph.group",
                "ME/memberof/Microsoft.Graph.Group",
                "me/memberOf/graph.group",
            ],
            "Collection(Collection { source: Related(User, Me, MemberOf), cast: Some(Group) })",
        ),
        (
            &["groups/x/members/$count"],
            "Count(Collection { source: Related(Group, Id(\"x\"), Members), cast: None })",
        ),
        (
            &[
                "users/x/getMemberGroups",
                "users/x/microsoft.graph.getMemberGroups",
            ],
            "Action(User, Id(\"x\"), GetMemberGroups)",
        ),
        (
            &[
                "applications/x/federatedIdentityCredentials/y",
                "applications/x/federatedIdentityCredentials('y')",
            ],
            "FederatedCredential(Id(\"x\"), \"y\")",
        ),
        (
            &[
                "applications(appId='x')/federatedIdentityCredentials(name='y')",
                "Applications(appid='x')/federatedidentitycredentials/y",
            ],
            "FederatedCredential(Other(\"appId\", \"x\"), \"y\")",
        ),
        (
            &[
                "servicePrincipals/x/addPassword",
                "serviceprincipals('x')/microsoft.graph.addpassword",
            ],
            "Action(ServicePrincipal, Id(\"x\"), AddPassword)",
        ),
        (
            &[
                "policies/authorizationPolicy",
                "Policies/AuthorizationPolicy/authorizationPolicy",
            ],
            "Object(AuthorizationPolicy, Id(\"authorizationPolicy\"))",
        ),
        (
            &["directory/deletedItems/x", "Directory/deleteditems('x')"],
            "Object(DeletedItem, Id(\"x\"))",
        ),
        (
            &["groups/x/members/$ref", "Groups('x')/Members/$Ref"],
            "Reference(Group, Id(\"x\"), Members, None)",
        ),
        (
            &["applications(appId='x')/owners/y/$ref"],
            "Reference(Application, Other(\"appId\", \"x\"), Owners, Some(\"y\"))",
        ),
        (
            &["directory/deletedItems/microsoft.graph.application"],
            "Collection(Collection { source: Set(DeletedItem), cast: Some(Application) })",
        ),
        (
            &["directory/deletedItems/x/restore"],
            "Action(DeletedItem, Id(\"x\"), Restore)",
        ),
        (
            &["rolemanagement/directory/roleassignments"],
            "Collection(Collection { source: Set(RoleAssignment), cast: None })",
        ),
        (
            &[
                "directoryObjects/getByIds",
                "directoryObjects/microsoft.graph.getByIds",
            ],
            "ByIds",
        ),
    ] {
        for form in forms {
            assert_eq!(parsed(form), expected, "{form}");
        }
    }
}

#[test]
fn a_segment_that_graph_has_is_told_from_one_that_it_has_not() {
    for (path, expected) in [
        ("dragons", "no dragons"),
        ("sites", "not served"),
        ("directory", "not served"),
        ("directory/administrativeUnits", "not served"),
        (
            "roleManagement/entitlementManagement/roleAssignments",
            "not served",
        ),
        ("policies/dragons", "not served"),
        ("policies/authorizationPolicy/dragons", "no dragons"),
        ("users/x/dragons", "no dragons"),
        ("users/x/messages", "not served"),
        ("users/delta()", "not served"),
        ("users/microsoft.graph.delta()", "not served"),
        ("users/x/displayName/y", "no y"),
        ("users/x/members", "no members"),
        ("groups/x/members/y", "not served"),
        ("users/x/memberOf/$ref", "not served"),
        ("applications/x/addKey", "not served"),
        ("applications/x/microsoft.graph.addKey", "not served"),
        ("users/x/getMemberGroups/y", "no y"),
    ] {
        assert_eq!(parsed(path), expected, "{path}");
    }
}
