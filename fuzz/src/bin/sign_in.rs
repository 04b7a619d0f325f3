//! The target `sign_in` for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| azcred_fuzz::run("sign_in", data));
