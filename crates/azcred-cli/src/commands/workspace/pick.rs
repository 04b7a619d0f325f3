//! Prompts a person to choose a workspace from a list.

use super::list::{HEAD, rows};
use crate::{
    failure::{Failure, Kind},
    output::{Output, table, wrap::Stream},
    prompt::line,
};
use azcred_azure::{Subscription, Workspace, WorkspaceRef};

/// Most workspaces in the list.
const MOST: usize = 50;

/// Shows a numbered list, and reads a number or a name until it matches.
pub(super) async fn pick(
    found: &[Workspace],
    subscriptions: &[Subscription],
    output: &Output,
) -> Result<WorkspaceRef, Failure> {
    if found.len() > MOST {
        return Err(Failure::new(
            Kind::Usage,
            "could not choose a workspace",
            format!(
                "there are {} workspaces, too many to choose from",
                found.len()
            ),
        )
        .fix("name one: `azcred workspace use NAME`, from `azcred workspace list`"));
    }
    let references: Vec<WorkspaceRef> = found
        .iter()
        .filter_map(|one| WorkspaceRef::from_resource_id(&one.id).ok())
        .collect();
    let mut rows = rows(found, subscriptions, None);
    let digits = rows.len().to_string().len();
    for (number, row) in rows.iter_mut().enumerate() {
        row[0] = format!("{:>digits$}  {}", number + 1, row[0]);
    }
    let mut head = HEAD;
    let padded = format!("{:digits$}  {}", "", HEAD[0]);
    head[0] = &padded;
    for line in table::columns(head, &rows, Stream::Stderr.columns()) {
        output.prompt(line);
    }
    output.prompt("");
    loop {
        let typed = line::ask(&format!("Which workspace? [1-{}] ", references.len())).await?;
        match chosen(&typed, &references) {
            Ok(one) => return Ok(one),
            Err(why) => output.prompt(why),
        }
    }
}

/// The workspace with this number or name.
fn chosen(typed: &str, references: &[WorkspaceRef]) -> Result<WorkspaceRef, String> {
    let typed = typed.trim();
    let is_named = |one: &&WorkspaceRef| one.name().eq_ignore_ascii_case(typed);
    let by_number = typed
        .parse::<usize>()
        .ok()
        .and_then(|number| references.get(number.checked_sub(1)?));
    let named: Vec<&WorkspaceRef> = references.iter().filter(is_named).collect();
    match (by_number, &named[..]) {
        (Some(one), _) => Ok(one.clone()),
        (None, [one]) => Ok((*one).clone()),
        (None, []) => Err(format!(
            "Type a number from 1 to {}, or a name from the list. Ctrl-C ends it.",
            references.len()
        )),
        (None, _) => Err("Several have this name: type the number.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_or_a_name_chooses_and_other_input_prompts_again() {
        let id = "5ec0ffee-0001-4000-8000-000000000001";
        let one = |group, name| WorkspaceRef::new(id, group, name).unwrap();
        let all = [one("a", "west"), one("b", "east"), one("c", "east")];
        let group = |typed| chosen(typed, &all).map(|one| one.resource_group().to_owned());
        assert_eq!(group("2").as_deref(), Ok("b"));
        assert_eq!(group(" West \n").as_deref(), Ok("a"));
        for again in ["", "0", "4", "east", "north", "-1"] {
            assert!(group(again).is_err(), "{again}");
        }
    }
}
