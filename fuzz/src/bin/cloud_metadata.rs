//! The target `cloud_metadata` for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| azcred_fuzz::run("cloud_metadata", data));
