//! The result of `azcred role check`: each action's verdict, its reason, and what is missing.

use super::{
    list::AssignmentEntry,
    people::{Meant, Names, Person},
    place::ScopeWords,
};
use crate::output::{
    style::{BAD, CODE, DIM, GOOD, STRONG, WARN, paint},
    wrap::wrap,
};
use azcred::Untrusted;
use azcred_azure::{
    Action, BuiltInRole, Decision, DenyAssignment, Grant, RoleScope, Verdict, is_at,
};
use serde::Serialize;

/// The output of `--output json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CheckDocument<'a> {
    scope: &'a str,
    principal: &'a Person,
    /// Whether all actions are allowed.
    is_allowed: bool,
    actions: Vec<ActionEntry<'a>>,
    /// The smallest built-in role that grants what is missing; `null` if nothing is missing, or if
    /// no role would help.
    smallest_role: Option<RoleEntry>,
    /// The command that assigns the smallest role.
    fix: Option<String>,
}

#[derive(Serialize)]
struct RoleEntry {
    id: &'static str,
    name: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ActionEntry<'a> {
    action: &'a str,
    is_data: bool,
    verdict: Verdict,
    /// The assignment that allows it; `null` if no assignment does, or if it can't be read.
    through: Option<AssignmentEntry<'a>>,
    /// The deny assignment that forbids it.
    denied_by: Option<DenyEntry<'a>>,
}

#[derive(Serialize)]
struct DenyEntry<'a> {
    id: &'a Untrusted,
    name: &'a Untrusted,
    scope: &'a Untrusted,
}

/// What a check found for one action.
pub(super) struct Found<'a> {
    pub(super) verdict: Verdict,
    pub(super) grant: Option<Grant<'a>>,
    pub(super) denial: Option<&'a DenyAssignment>,
}

impl<'a> From<Decision<'a>> for Found<'a> {
    fn from(decision: Decision<'a>) -> Self {
        Self {
            verdict: decision.verdict,
            grant: decision.grant,
            denial: decision.denial,
        }
    }
}

pub(super) struct Checked<'a> {
    pub(super) meant: &'a Meant,
    pub(super) names: &'a Names,
    pub(super) words: &'a ScopeWords,
    pub(super) scope: &'a RoleScope,
    pub(super) decisions: Vec<(Action<'a>, Found<'a>)>,
}

impl Checked<'_> {
    pub(super) fn is_allowed(&self) -> bool {
        let mut all = self.decisions.iter();
        all.all(|(_, found)| found.verdict == Verdict::Allowed)
    }

    /// The smallest role for what is missing and not denied: a role does not help against a denial.
    fn smallest(&self) -> Option<&'static BuiltInRole> {
        let mut control = Vec::new();
        let mut data = Vec::new();
        for (action, found) in &self.decisions {
            if !self.is_open(*action, found) {
                continue;
            }
            match action {
                Action::Control(name) => control.push(*name),
                Action::Data(name) => data.push(*name),
            }
        }
        if control.is_empty() && data.is_empty() {
            return None;
        }
        BuiltInRole::least_of(&control, &data)
    }

    /// Whether a role would help: the action is missing here, and nothing forbids it.
    fn is_open(&self, action: Action<'_>, found: &Found<'_>) -> bool {
        found.verdict == Verdict::Missing
            && found.denial.is_none()
            && self.elsewhere(action).is_none()
    }

    /// The provider of an action that can't be performed at the scope: it is on resources of
    /// another kind.
    fn elsewhere<'n>(&self, action: Action<'n>) -> Option<&'n str> {
        const ANYWHERE: [&str; 3] = [
            "Microsoft.Authorization",
            "Microsoft.Insights",
            "Microsoft.Resources",
        ];
        let own = self.scope.provider()?;
        let provider = action.name().split('/').next()?;
        let mut here = ANYWHERE.iter().chain([&own]);
        let is_here = here.any(|one| one.eq_ignore_ascii_case(provider));
        (!is_here).then_some(provider)
    }

    fn fix(&self, role: &BuiltInRole) -> String {
        format!(
            "azcred role assign '{}' --to {} --scope '{}'",
            role.name, self.meant.person.id, self.scope
        )
    }

    pub(super) fn document(&self) -> CheckDocument<'_> {
        let smallest = self.smallest();
        let actions = self
            .decisions
            .iter()
            .map(|(action, found)| ActionEntry {
                action: action.name(),
                is_data: matches!(action, Action::Data(_)),
                verdict: found.verdict,
                through: found.grant.map(|grant| {
                    let person = self.names.person(grant.assignment.principal_id);
                    AssignmentEntry::new(grant.assignment, Some(grant.role), person, self.scope)
                }),
                denied_by: found.denial.map(|denial| DenyEntry {
                    id: &denial.id,
                    name: &denial.name,
                    scope: &denial.scope,
                }),
            })
            .collect();
        CheckDocument {
            scope: self.scope.as_str(),
            principal: &self.meant.person,
            is_allowed: self.is_allowed(),
            actions,
            smallest_role: smallest.map(|role| RoleEntry {
                id: role.id,
                name: role.name,
            }),
            fix: smallest.map(|role| self.fix(role)),
        }
    }

    pub(super) fn lines(&self, width: usize) -> Vec<String> {
        let who = match self.meant.is_self {
            true => "You".to_owned(),
            false => self.meant.person.with_id(),
        };
        let place = self.words.describe(self.scope.as_str());
        let mut lines = wrap(&format!("{who} at {place}:"), width);
        lines.push(String::new());
        for (action, found) in &self.decisions {
            let (style, word) = match found.verdict {
                Verdict::Allowed => (GOOD, "allowed"),
                Verdict::Conditional => (WARN, "conditional"),
                Verdict::Denied => (BAD, "denied"),
                Verdict::Missing => (BAD, "not allowed"),
            };
            lines.push(format!(
                "{}  {}",
                paint(style, format!("{word:<VERDICT$}")),
                paint(STRONG, action.name())
            ));
            for reason in self.reasons(*action, found) {
                let room = width.saturating_sub(VERDICT + 2);
                for line in wrap(&reason, room) {
                    lines.push(format!("{:VERDICT$}  {}", "", paint(DIM, line)));
                }
            }
        }
        if self.is_allowed() {
            return lines;
        }
        if let Some(role) = self.smallest() {
            lines.push(String::new());
            let text = format!(
                "The smallest built-in role that grants what is missing is {}. It {}. An owner of {} assigns it:",
                role.name, role.does, place
            );
            lines.extend(wrap(&text, width));
            lines.push(format!("  {}", paint(CODE, self.fix(role))));
        } else if self
            .decisions
            .iter()
            .any(|(action, found)| self.is_open(*action, found))
        {
            lines.push(String::new());
            let text = "No built-in role that azcred knows grants all that is missing. Check the names of the actions, check them one by one, or use a role of your own.";
            lines.extend(wrap(text, width));
        }
        lines
    }

    /// Why an action is allowed or not.
    fn reasons(&self, action: Action<'_>, found: &Found<'_>) -> Vec<String> {
        let mut reasons = Vec::new();
        if let Some(Grant { assignment, role }) = found.grant {
            let mut by = match found.verdict {
                Verdict::Denied => format!("though {} grants it", role.name),
                Verdict::Conditional => format!(
                    "{} grants it if the assignment's condition is met",
                    role.name
                ),
                _ => format!("by {}", role.name),
            };
            if assignment.principal_id != self.meant.person.id {
                let group = self.names.person(assignment.principal_id);
                by = format!("{by}, through {}", group.described());
            }
            if !is_at(assignment, self.scope) {
                by = format!(
                    "{by}, inherited from {}",
                    self.words.describe(assignment.scope.raw())
                );
            }
            reasons.push(by);
            if let (Verdict::Conditional, Some(condition)) = (found.verdict, &assignment.condition)
            {
                reasons.push(format!("the condition: {condition}"));
            }
        } else if found.verdict == Verdict::Allowed {
            reasons.push("by a role of yours".to_owned());
        } else if let Some(provider) = self.elsewhere(action) {
            reasons.push(format!(
                "this is an operation of {provider}: name the resource that it is on with --scope"
            ));
        } else if matches!(action, Action::Data(_)) {
            reasons.push("no role grants it; it is on data, where Owner grants nothing".to_owned());
        } else {
            reasons.push("no role grants it".to_owned());
        }
        if let Some(denial) = found.denial {
            reasons.push(format!(
                "the deny assignment '{}' of {} forbids it, and no role changes that",
                denial.name,
                self.words.describe(denial.scope.raw())
            ));
        }
        reasons
    }
}

/// The width of the verdicts.
const VERDICT: usize = 11;
