//! The request to an administrator for what the account may not do itself: as text, and as the
//! commands that the administrator would run.

use crate::shell::word;
use serde::Serialize;

/// What an administrator is asked for.
pub(super) struct Request {
    /// The application's name.
    pub(super) name: String,
    /// The tenant's id, if it is known.
    pub(super) tenant: Option<String>,
    /// The service principal, and what is to be done about it.
    pub(super) subject: Subject,
    /// The roles that are to be assigned.
    pub(super) roles: Vec<WantedRole>,
}

/// The service principal that is asked for.
pub(super) enum Subject {
    /// It is to be made, with this owner.
    New {
        owner_name: String,
        owner_id: String,
    },
    /// It is there.
    There {
        client_id: String,
        object_id: String,
    },
}

/// A role at a scope.
pub(super) struct WantedRole {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) scope: String,
}

/// The request in JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequestDocument {
    /// The text, to be sent as it is.
    text: String,
    /// The commands of Azure CLI that the administrator would run, in order, in a POSIX shell.
    azure_cli: Vec<String>,
    /// Those of azcred.
    azcred: Vec<String>,
}

impl Request {
    /// The request for `--output json`.
    pub(super) fn document(&self) -> RequestDocument {
        RequestDocument {
            text: self.lines().join("\n"),
            azure_cli: [self.creation(), self.assignments()].concat(),
            azcred: [self.creation_by_azcred(), self.assignments_by_azcred()].concat(),
        }
    }

    /// The request as text for a mail: without colors, and of 80 columns where ids permit it.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut blocks = match self.subject {
            Subject::New { .. } => vec![
                lines(
                    "\
Please create an application with a service principal for Azure Machine
Learning, and make me its owner, so that I can add and renew its credentials.
It needs no permission of Microsoft Graph, and no consent.",
                ),
                self.facts(),
                lines(
                    "\
With Azure CLI, as Application Developer, Cloud Application Administrator or
Application Administrator:",
                ),
                indented(&self.creation()),
                lines("Or with azcred:"),
                indented(&self.creation_by_azcred()),
            ],
            Subject::There { .. } => vec![
                lines(
                    "\
Please give a service principal access to Azure Machine Learning.",
                ),
                self.facts(),
            ],
        };
        if !self.roles.is_empty() {
            blocks.extend([
                lines(
                    "\
Role assignments, by an Owner, User Access Administrator or Role Based Access
Control Administrator of the scope:",
                ),
                self.roles.iter().flat_map(WantedRole::facts).collect(),
                lines("With Azure CLI:"),
                indented(&self.assignments()),
            ]);
            blocks.extend([
                lines("Or with azcred:"),
                indented(&self.assignments_by_azcred()),
            ]);
        }
        if let Subject::New { .. } = self.subject {
            blocks.push(lines("Then please send me the application's client id."));
        }
        blocks.join(&String::new())
    }

    fn facts(&self) -> Vec<String> {
        let mut rows = vec![("Name", self.name.clone())];
        rows.extend(self.tenant.clone().map(|tenant| ("Tenant", tenant)));
        rows.extend(match &self.subject {
            Subject::New {
                owner_name,
                owner_id,
            } => vec![("Owner", format!("{owner_name} ({owner_id})"))],
            Subject::There {
                client_id,
                object_id,
            } => vec![
                ("Client id", client_id.clone()),
                ("Object id", object_id.clone()),
            ],
        });
        pairs(&rows)
    }

    fn creation(&self) -> Vec<String> {
        let Subject::New { owner_id, .. } = &self.subject else {
            return Vec::new();
        };
        let name = word(&self.name);
        vec![
            format!("app=$(az ad app create --display-name {name} --query appId -o tsv)"),
            "principal=$(az ad sp create --id \"$app\" --query id -o tsv)".to_owned(),
            format!("az ad app owner add --id \"$app\" --owner-object-id {owner_id}"),
            "echo \"Client id: $app\"".to_owned(),
        ]
    }

    fn creation_by_azcred(&self) -> Vec<String> {
        let Subject::New { owner_id, .. } = &self.subject else {
            return Vec::new();
        };
        let name = word(&self.name);
        vec![format!(
            "azcred sp create {name} --owner {owner_id} --no-role"
        )]
    }

    fn assignments_by_azcred(&self) -> Vec<String> {
        let to = match &self.subject {
            Subject::New { .. } => word(&self.name),
            Subject::There { object_id, .. } => {
                format!("{object_id} --type service-principal")
            }
        };
        let command = |role: &WantedRole| {
            let (role, scope) = (word(&role.name), word(&role.scope));
            format!("azcred role assign {role} --to {to} --scope {scope}")
        };
        self.roles.iter().map(command).collect()
    }

    fn assignments(&self) -> Vec<String> {
        let principal = match &self.subject {
            Subject::New { .. } => "\"$principal\"",
            Subject::There { object_id, .. } => object_id,
        };
        let command = |role: &WantedRole| {
            format!(
                "az role assignment create --role {} --assignee-object-id {principal} --assignee-principal-type ServicePrincipal --scope {}",
                word(&role.name),
                word(&role.scope),
            )
        };
        self.roles.iter().map(command).collect()
    }
}

impl WantedRole {
    fn facts(&self) -> Vec<String> {
        pairs(&[
            ("Role", format!("{} ({})", self.name, self.id)),
            ("Scope", self.scope.clone()),
        ])
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// Names and values without colors.
fn pairs(rows: &[(&str, String)]) -> Vec<String> {
    let widest = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    rows.iter()
        .map(|(name, value)| format!("  {name:widest$}  {value}"))
        .collect()
}

/// Commands, indented. A long one goes on in the next line before each of its options.
fn indented(commands: &[String]) -> Vec<String> {
    commands
        .iter()
        .flat_map(|command| match command.len() > 76 {
            true => lines(&format!("  {}", command.replace(" --", " \\\n    --"))),
            false => vec![format!("  {command}")],
        })
        .collect()
}
