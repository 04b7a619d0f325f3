//! The target `explained` for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| azcred_fuzz::run("explained", data));
