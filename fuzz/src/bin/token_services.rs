//! The target `token_services` for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| azcred_fuzz::run("token_services", data));
