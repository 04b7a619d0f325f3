//! The target `endpoint` for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| azcred_fuzz::run("endpoint", data));
