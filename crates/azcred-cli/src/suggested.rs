//! Commands that messages suggest: with the option for the profile, if they need it.

use crate::choice::InProfile;
use azcred::{ClientId, Profile, system::System};

/// Writes commands for one profile.
#[derive(Clone, Debug)]
pub(crate) struct Suggested {
    profile: Option<Profile>,
}

impl Suggested {
    /// Commands for `profile`. They name it unless they would use it anyway.
    pub(crate) fn in_profile(profile: &Profile, system: &dyn System) -> Self {
        let by_itself = InProfile::default().profile(system).ok();
        Self {
            profile: Some(profile.clone()).filter(|profile| by_itself.as_ref() != Some(profile)),
        }
    }

    /// Whether commands use the profile without the option.
    pub(crate) fn is_plain(&self) -> bool {
        self.profile.is_none()
    }

    /// A command as the user types it, such as `token --only azcred`.
    pub(crate) fn command(&self, words: &str) -> String {
        match &self.profile {
            Some(profile) => format!("azcred {words} --profile {profile}"),
            None => format!("azcred {words}"),
        }
    }

    /// A login of a person in another tenant, with the same application as before.
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
    fn a_suggested_command_names_the_profile_if_it_needs_it() {
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
    fn a_person_signs_in_to_the_same_application_as_before() {
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
