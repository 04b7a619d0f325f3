//! The target `azure_cli` for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| azcred_fuzz::run("azure_cli", data));
