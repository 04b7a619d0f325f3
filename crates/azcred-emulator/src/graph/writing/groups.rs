//! Groups: created, changed, deleted.

use super::{
    Writing,
    body::Body,
    rights::{GROUPS, MEMBERS, NEW_GROUPS},
};
use crate::{
    directory::Group,
    graph::{
        kind::Kind,
        objects::{self, Object},
        response::{Answer, GraphError},
        target::Relation,
    },
};
use uuid::Uuid;

const KIND: Kind = Kind::Group;

impl Writing<'_> {
    /// `POST /groups`.
    pub(super) fn create_group(&mut self) -> Result<Answer, GraphError> {
        let (tenant, caller) = (self.caller.tenant, self.caller.object_id);
        let policy = self.directory.tenants.get(&tenant);
        let by_policy = policy.is_some_and(|tenant| tenant.users_may_create_groups);
        self.authorize_new(&NEW_GROUPS, by_policy)?;
        let mut body = Body::read(self.call, KIND)?;
        let id = Uuid::new_v4();
        let mut group = Group {
            created: Some(self.now),
            ..Group::new(id, tenant, body.require("displayName")?)
        };
        let nickname = body.require("mailNickname")?;
        group
            .properties
            .insert("mailNickname".to_owned(), nickname.into());
        for name in ["mailEnabled", "securityEnabled"] {
            let given: Option<bool> = body.take(name)?;
            let given = given.ok_or_else(|| GraphError::missing_value(KIND, name))?;
            // Groups with a mailbox are Exchange's.
            if given == (name == "mailEnabled") {
                return Err(GraphError::option_not_served(
                    self.call,
                    &format!("{name}={given}"),
                ));
            }
        }
        // Who may create all groups does not own them.
        if !self.directory.has_role(caller, NEW_GROUPS.roles) {
            group.owners.insert(caller);
        }
        let owners = body.bound("owners")?;
        group
            .owners
            .extend(self.all_referenced(KIND, Relation::Owners, &owners)?);
        let members = body.bound("members")?;
        group.members = self.all_referenced(KIND, Relation::Members, &members)?;
        let before = objects::group(&group).properties;
        group.properties.extend(body.over(self.call, &before)?);
        let object = objects::group(&group);
        self.directory.groups.insert(id, group);
        Ok(self.created(object, "Group"))
    }

    /// `PATCH /groups/{id}`.
    pub(super) fn update_group(&mut self, object: &Object) -> Result<Answer, GraphError> {
        let mut group = self.group(object.id)?;
        let mut body = Body::read(self.call, KIND)?;
        let members = body.bound("members")?;
        let right = match members.is_empty() {
            true => &GROUPS,
            false => &MEMBERS,
        };
        self.authorize(right, &group.owners)?;
        if let Some(name) = body.take("displayName")? {
            group.name = name;
        }
        group
            .members
            .extend(self.all_referenced(KIND, Relation::Members, &members)?);
        group
            .properties
            .extend(body.over(self.call, &object.properties)?);
        self.directory.groups.insert(object.id, group);
        Ok(Answer::empty())
    }

    /// `DELETE /groups/{id}`.
    pub(super) fn delete_group(&mut self, object: &Object) -> Result<Answer, GraphError> {
        self.authorize(&GROUPS, &self.group(object.id)?.owners)?;
        self.directory.delete_group(object.id, self.now);
        Ok(Answer::empty())
    }

    fn group(&self, id: Uuid) -> Result<Group, GraphError> {
        let group = self.directory.groups.get(&id).cloned();
        group.ok_or_else(|| GraphError::not_found(&id.to_string()))
    }
}
