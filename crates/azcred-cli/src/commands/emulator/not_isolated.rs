//! A network of its own for a program: only on Linux.

use crate::failure::{Failure, Kind};
use azcred_emulator::{BuiltIn, Info};
use std::ffi::OsString;

/// This system has no such network.
pub(super) enum Outside {}

impl Outside {
    pub(super) async fn open<'a>(
        _: &Info,
        _: impl Iterator<Item = &'a str>,
        _: &[BuiltIn],
    ) -> Result<Self, Failure> {
        let what = "could not give the program a network of its own";
        let why = format!(
            "azcred can do that on Linux only, and this is {}",
            std::env::consts::OS
        );
        Err(Failure::new(Kind::Failed, what, why)
            .titled("`--isolate` does not work here")
            .fix("run it without --isolate, or in a Linux machine or container"))
    }

    pub(super) fn command(&self, _: &[OsString]) -> Vec<OsString> {
        match *self {}
    }

    pub(super) fn end(&self) {
        match *self {}
    }
}
