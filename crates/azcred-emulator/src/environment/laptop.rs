//! The persona of a laptop.

use crate::{
    environment::{pairs::Pairs, way::Way},
    info::Info,
};

/// A laptop on which Azure CLI is signed in.
pub(super) fn laptop(info: &Info, way: Way) -> Option<Pairs> {
    let azure_cli = info.azure_cli.as_ref()?;
    let folder = match way {
        Way::RealNames => &azure_cli.names,
        Way::Ports => &azure_cli.ports,
    };
    Some(vec![("AZURE_CONFIG_DIR", folder.display().to_string())])
}
