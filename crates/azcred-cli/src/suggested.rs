//! Commands that people are told to run: with the profile without which they would be about
//! somebody else's sign-in.

use crate::choice::InProfile;
use azcred::{ClientId, Profile, system::System};

/// Writes commands that are about one profile's sign-ins.
#[derive(Clone, Debug)]
pub(crate) struct Suggested {
    profile: Option<Profile>,
}

impl Suggested {
    /// Commands about the sign-ins of `profile`, which is named where a command does not mean it by
    /// itself.
    pub(crate) fn in_profile(profile: &Profile, system: &dyn System) -> Self {
        let by_itself = InProfile::default().profile(system).ok();
        Self {
            profile: Some(profile.clone()).filter(|profile| by_itself.as_ref() != Some(profile)),
        }
    }

    /// Whether commands mean the profile by themselves.
    pub(crate) fn is_plain(&self) -> bool {
        self.profile.is_none()
    }

    /// A command, such as `token --only azcred`, as it is typed.
    pub(crate) fn command(&self, words: &str) -> String {
        match &self.profile {
            Some(profile) => format!("azcred {words} --profile {profile}"),
            None => format!("azcred {words}"),
        }
    }

    /// A login of a person in another tenant, to the same application as before.
    pub(crate) fn login(&self, tenant: &str, client_id: Option<&ClientId>) -> String {
        match client_id {
            Some(id) => self.command(&format!("login --tenant {tenant} --client-id {id}")),
            None => self.command(&format!("login --tenant {tenant}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use azcred::system::Fixture;

    #[test]
    fn a_profile_is_named_where_a_command_would_be_about_another() {
        let work = Profile::new("work").unwrap();
        let plain = Fixture::new();
        let variable = Fixture::new().with_var("AZCRED_PROFILE", "Work");
        let command = |profile: &Profile, system: &Fixture| {
            Suggested::in_profile(profile, system).command("token --only azcred")
        };
        assert_eq!(
            command(&Profile::default(), &plain),
            "azcred token --only azcred"
        );
        assert_eq!(
            command(&work, &plain),
            "azcred token --only azcred --profile work"
        );
        assert_eq!(command(&work, &variable), "azcred token --only azcred");
        assert_eq!(
            command(&Profile::default(), &variable),
            "azcred token --only azcred --profile default"
        );
    }

    #[test]
    fn a_person_signs_in_to_the_application_that_they_signed_in_to_before() {
        let suggested = Suggested::in_profile(&Profile::new("p").unwrap(), &Fixture::new());
        let id = ClientId::new("c11e").unwrap();
        assert_eq!(
            suggested.login("t", Some(&id)),
            "azcred login --tenant t --client-id c11e --profile p"
        );
        assert_eq!(
            suggested.login("t", None),
            "azcred login --tenant t --profile p"
        );
    }
}
