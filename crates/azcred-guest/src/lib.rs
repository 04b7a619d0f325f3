#![doc = include_str!("../README.md")]

mod known;
mod rules;

pub use known::known;
pub use rules::{Class, class_of};
