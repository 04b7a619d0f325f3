//! Users: created, changed, deleted.

use super::{
    Writing,
    body::Body,
    rights::{ACCOUNTS, PASSWORDS, USERS},
};
use crate::{
    directory::{SecretText, User},
    graph::{
        kind::Kind,
        objects::Object,
        response::{Answer, GraphError},
        sessions::SecretInput,
    },
};
use serde::Deserialize;
use std::collections::BTreeSet;
use uuid::Uuid;

const KIND: Kind = Kind::User;

/// The part of a body with the password.
#[derive(Deserialize)]
struct WithPassword {
    #[serde(rename = "passwordProfile")]
    profile: Option<PasswordProfile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PasswordProfile {
    password: Option<SecretInput>,
    #[serde(default)]
    force_change_password_next_sign_in: bool,
}

impl Writing<'_> {
    /// `POST /users`.
    pub(super) fn create_user(&mut self) -> Result<Answer, GraphError> {
        self.authorize(&USERS, &BTreeSet::new())?;
        let mut body = Body::read(self.call, KIND)?;
        let (password, must_change) = self.password()?;
        let password =
            password.ok_or_else(|| GraphError::missing_value(KIND, "passwordProfile"))?;
        let name = body.require("displayName")?;
        let nickname = body.require("mailNickname")?;
        let sign_in_name = body.require("userPrincipalName")?;
        self.check_sign_in_name(&sign_in_name)?;
        let enabled: Option<bool> = body.take("accountEnabled")?;
        let id = Uuid::new_v4();
        let mut user = User {
            enabled: enabled.ok_or_else(|| GraphError::missing_value(KIND, "accountEnabled"))?,
            password: Some(password),
            password_expired: must_change,
            created: Some(self.now),
            ..User::new(id, self.caller.tenant, sign_in_name, name)
        };
        user.properties
            .insert("mailNickname".to_owned(), nickname.into());
        let before = self.objects().user(&user).properties;
        user.properties.extend(body.over(self.call, &before)?);
        let object = self.objects().user(&user);
        self.directory.users.insert(id, user);
        Ok(self.created(object, "User"))
    }

    /// `PATCH /users/{id}`.
    pub(super) fn update_user(&mut self, object: &Object) -> Result<Answer, GraphError> {
        let mut body = Body::read(self.call, KIND)?;
        let (password, must_change) = self.password()?;
        let enabled: Option<bool> = body.take("accountEnabled")?;
        let no_one = BTreeSet::new();
        if password.is_some() {
            self.authorize(&PASSWORDS, &no_one)?;
        }
        if enabled.is_some() {
            self.authorize(&ACCOUNTS, &no_one)?;
        }
        if !body.is_empty() || (password.is_none() && enabled.is_none()) {
            self.authorize(&USERS, &no_one)?;
        }
        let user = self.directory.users.get(&object.id).cloned();
        let mut user = user.ok_or_else(|| GraphError::not_found(&object.id.to_string()))?;
        if let Some(name) = body.take("displayName")? {
            user.name = name;
        }
        if let Some(name) = body.take::<String>("userPrincipalName")? {
            if !name.eq_ignore_ascii_case(&user.user_principal_name) {
                self.check_sign_in_name(&name)?;
            }
            user.user_principal_name = name;
        }
        user.enabled = enabled.unwrap_or(user.enabled);
        user.properties
            .extend(body.over(self.call, &object.properties)?);
        self.directory.users.insert(object.id, user);
        if let Some(password) = password {
            self.directory
                .change_password(object.id, password, self.now);
            if let Some(user) = self.directory.users.get_mut(&object.id) {
                user.password_expired = must_change;
            }
        }
        Ok(Answer::empty())
    }

    /// `DELETE /users/{id}`.
    pub(super) fn delete_user(&mut self, object: &Object) -> Result<Answer, GraphError> {
        self.authorize(&USERS, &BTreeSet::new())?;
        self.directory.delete_user(object.id, self.now);
        Ok(Answer::empty())
    }

    /// The password in the body, and whether its user has to change it at the next sign-in.
    fn password(&self) -> Result<(Option<SecretText>, bool), GraphError> {
        let given: WithPassword = self.call.json()?;
        let Some(profile) = given.profile else {
            return Ok((None, false));
        };
        let password = profile.password.map(|input| input.0);
        if password
            .as_ref()
            .is_some_and(|password| !is_strong(password.expose()))
        {
            return Err(GraphError::rejected(
                "The specified password does not comply with password complexity requirements. Please provide a \
                 different password.",
            ));
        }
        Ok((password, profile.force_change_password_next_sign_in))
    }

    fn check_sign_in_name(&self, name: &str) -> Result<(), GraphError> {
        let tenant = self.directory.tenants.get(&self.caller.tenant);
        let domain = name.split_once('@').filter(|(user, _)| !user.is_empty());
        let is_own = |domain: &str| {
            let mut domains = tenant.into_iter().flat_map(|tenant| &tenant.domains);
            domains.any(|own| own.eq_ignore_ascii_case(domain))
        };
        if !domain.is_some_and(|(_, domain)| is_own(domain)) {
            return Err(GraphError::rejected(
                "The domain portion of the userPrincipalName property is invalid. You must use one of the verified \
                 domain names in your organization.",
            ));
        }
        let mut users = self.directory.users.values();
        if users.any(|user| user.user_principal_name.eq_ignore_ascii_case(name)) {
            return Err(GraphError::rejected(
                "Another object with the same value for property userPrincipalName already exists.",
            ));
        }
        Ok(())
    }
}

/// Eight characters of three of four classes ('Password policies in Microsoft Entra ID').
fn is_strong(password: &str) -> bool {
    let classes: [fn(char) -> bool; 4] = [
        |c| c.is_ascii_lowercase(),
        |c| c.is_ascii_uppercase(),
        |c| c.is_ascii_digit(),
        |c| !c.is_ascii_alphanumeric(),
    ];
    let has = |class: &&fn(char) -> bool| password.chars().any(**class);
    password.chars().count() >= 8 && classes.iter().filter(has).count() >= 3
}
