#![doc = include_str!("../README.md")]

mod fix;

pub use fix::{alternatives, fix};
