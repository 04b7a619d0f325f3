//! Messages of the session bus, as the client of the Secret Service reads them, and its address.

/// The first line is an address. What the bus says follows.
#[cfg(target_os = "linux")]
pub(super) fn run(data: &[u8]) {
    use crate::{input, oracle};
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

    let (address, said) = input::head(data);
    oracle::is_printable(&azcred::fuzz::bus_address(OsStr::from_bytes(address)));
    for outcome in azcred::fuzz::secret_service_of(said) {
        oracle::is_printable(&outcome);
        oracle::keeps_secret(&outcome);
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn run(_: &[u8]) {}
