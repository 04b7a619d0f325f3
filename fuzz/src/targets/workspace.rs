//! `config.json` of a workspace.

use crate::{input, machine::machine, oracle};
use azcred_azure::{Flags, WorkspaceRef, locate};
use std::path::Path;

/// The file in the project's folder, then the one in `.azureml`.
pub(super) fn run(data: &[u8]) {
    let parts = input::parts(data);
    let mut machine = machine().with_file("/project/config.json", parts[0]);
    if let Some(hidden) = parts.get(1) {
        machine = machine.with_file("/project/.azureml/config.json", *hidden);
    }
    let found = locate(&machine, Path::new("/project/below"), &Flags::default());
    oracle::outcome(&found);
    if let Ok(found) = &found {
        let id = found.workspace.resource_id();
        oracle::is_printable(&id);
        let again = WorkspaceRef::from_resource_id(&id).expect("its own id");
        assert_eq!(again, found.workspace);
    }
}
