//! The forms of subjects: which CI system writes a subject, and how.

use std::fmt;

/// The form of a federated token's subject.
///
/// Two systems have two forms each for the same job, and a federated credential in one form does
/// not match a token in the other. So errors name the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SubjectForm {
    /// GitHub's with names alone: `repo:OWNER/REPOSITORY:…`.
    GitHubNames,
    /// GitHub's with ids, of repositories that were made, renamed or moved since 15 July 2026 or
    /// were switched over (GitHub's page 'OpenID Connect reference'):
    /// `repo:OWNER@ID/REPOSITORY@ID:…`.
    GitHubIds,
    /// GitLab's: `project_path:GROUP/PROJECT:ref_type:branch:ref:main`.
    GitLab,
    /// Azure DevOps' own for a service connection: `sc://ORGANIZATION/PROJECT/CONNECTION`.
    DevOpsNames,
    /// Entra ID's for a service connection of Azure DevOps, since 2025:
    /// `/eid1/c/pub/t/…/a/…/sc/ORGANIZATION-ID/CONNECTION-ID`.
    DevOpsIds,
    /// Kubernetes': `system:serviceaccount:NAMESPACE:NAME`.
    Kubernetes,
    /// Another one.
    Other,
}

impl SubjectForm {
    /// The form of a subject.
    pub fn of(subject: &str) -> Self {
        if let Some(rest) = subject.strip_prefix("repo:") {
            let repository = rest.split(':').next().unwrap_or_default();
            return match repository.split_once('/') {
                Some(_) if repository.contains('@') => Self::GitHubIds,
                Some(_) => Self::GitHubNames,
                None => Self::Other,
            };
        }
        let forms = [
            ("project_path:", Self::GitLab),
            ("sc://", Self::DevOpsNames),
            ("system:serviceaccount:", Self::Kubernetes),
        ];
        let known = forms
            .into_iter()
            .find(|(beginning, _)| subject.starts_with(beginning));
        match known {
            Some((_, form)) => form,
            None if subject.starts_with("/eid1/") && subject.contains("/sc/") => Self::DevOpsIds,
            None => Self::Other,
        }
    }

    /// The pattern of such a subject, for people; `None` for [`SubjectForm::Other`].
    pub fn pattern(self) -> Option<&'static str> {
        Some(match self {
            Self::GitHubNames => "repo:OWNER/REPOSITORY:…",
            Self::GitHubIds => "repo:OWNER@ID/REPOSITORY@ID:…",
            Self::GitLab => "project_path:GROUP/PROJECT:ref_type:…",
            Self::DevOpsNames => "sc://ORGANIZATION/PROJECT/CONNECTION",
            Self::DevOpsIds => "/eid1/…/sc/ORGANIZATION-ID/CONNECTION-ID",
            Self::Kubernetes => "system:serviceaccount:NAMESPACE:NAME",
            Self::Other => return None,
        })
    }

    /// The other form in which the same system writes the same job, if there is one.
    pub fn other_form(self) -> Option<Self> {
        match self {
            Self::GitHubNames => Some(Self::GitHubIds),
            Self::GitHubIds => Some(Self::GitHubNames),
            Self::DevOpsNames => Some(Self::DevOpsIds),
            Self::DevOpsIds => Some(Self::DevOpsNames),
            Self::GitLab | Self::Kubernetes | Self::Other => None,
        }
    }
}

/// A few words: `GitHub's form with ids`.
impl fmt::Display for SubjectForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GitHubNames => "GitHub's form with names alone",
            Self::GitHubIds => "GitHub's form with ids",
            Self::GitLab => "GitLab's form",
            Self::DevOpsNames => "Azure DevOps' form with names",
            Self::DevOpsIds => "Entra ID's form for a service connection",
            Self::Kubernetes => "Kubernetes' form",
            Self::Other => "another form",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_has_the_form_of_the_system_that_wrote_it() {
        for (subject, form) in [
            (
                "repo:contoso/ml:ref:refs/heads/main",
                SubjectForm::GitHubNames,
            ),
            (
                "repo:contoso@1/ml@2:ref:refs/heads/main",
                SubjectForm::GitHubIds,
            ),
            // An `@` in the name of a branch is no id.
            (
                "repo:contoso/ml:ref:refs/heads/a@b",
                SubjectForm::GitHubNames,
            ),
            ("repo:contoso", SubjectForm::Other),
            (
                "project_path:g/p:ref_type:branch:ref:main",
                SubjectForm::GitLab,
            ),
            ("sc://contoso/models/azure", SubjectForm::DevOpsNames),
            ("/eid1/c/pub/t/AA/a/BB/sc/1/2", SubjectForm::DevOpsIds),
            ("/eid1/c/pub/t/AA/a/BB/1", SubjectForm::Other),
            ("system:serviceaccount:ml:train", SubjectForm::Kubernetes),
            ("", SubjectForm::Other),
        ] {
            assert_eq!(SubjectForm::of(subject), form, "{subject}");
        }
    }

    #[test]
    fn the_other_form_of_the_other_form_is_the_form() {
        for form in [
            SubjectForm::GitHubNames,
            SubjectForm::GitHubIds,
            SubjectForm::DevOpsNames,
            SubjectForm::DevOpsIds,
        ] {
            assert_eq!(
                form.other_form().and_then(SubjectForm::other_form),
                Some(form)
            );
        }
    }
}
