//! Fuzzes `proof`: see `judge.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| relbook_fuzz::proof(bytes));
