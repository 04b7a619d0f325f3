//! The built-in roles that are common around Azure Machine Learning: `builtin_roles.txt`. Their ids
//! are the same in every tenant.

use super::{
    role::{Permission, RoleDefinition},
    scope::Scope,
};
use std::sync::LazyLock;

/// All built-in roles, in the order of the table.
pub(super) fn all() -> &'static [RoleDefinition] {
    static ROLES: LazyLock<Vec<RoleDefinition>> =
        LazyLock::new(|| read(include_str!("builtin_roles.txt")));
    &ROLES
}

fn read(text: &str) -> Vec<RoleDefinition> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let mut roles: Vec<RoleDefinition> = Vec::new();
    for (mark, rest) in lines.filter_map(|line| line.split_once(' ')) {
        if let Ok(id) = mark.parse() {
            roles.push(RoleDefinition {
                id,
                name: rest.to_owned(),
                description: String::new(),
                custom: false,
                assignable_scopes: vec![Scope::root()],
                permissions: vec![Permission::default()],
                created: None,
                updated: None,
            });
        }
        let Some(role) = roles.last_mut() else {
            continue;
        };
        if mark.is_empty() {
            role.description = rest.trim().to_owned();
        }
        let permission = &mut role.permissions[0];
        let list = match mark {
            "+" => &mut permission.actions,
            "-" => &mut permission.not_actions,
            "d+" => &mut permission.data_actions,
            "d-" => &mut permission.not_data_actions,
            _ => continue,
        };
        list.push(rest.to_owned());
    }
    roles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read() {
        let text = include_str!("builtin_roles.txt");
        let count = |mark: &str| text.lines().filter(|line| line.starts_with(mark)).count();
        let sum = |list: fn(&Permission) -> &Vec<String>| -> usize {
            all()
                .iter()
                .map(|role| list(&role.permissions[0]).len())
                .sum()
        };
        assert_eq!(sum(|one| &one.actions), count("+ "));
        assert_eq!(sum(|one| &one.not_actions), count("- "));
        assert_eq!(sum(|one| &one.data_actions), count("d+ "));
        assert_eq!(sum(|one| &one.not_data_actions), count("d- "));
        assert_eq!(all().len(), count("  "));
        assert!(all().iter().all(|role| role.description.ends_with('.')));
    }
}
