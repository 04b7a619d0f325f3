//! Signing in by a browser: the authorize endpoint, its pages, and what they remember of a person.

mod proofs;

pub(crate) use proofs::Proofs;
