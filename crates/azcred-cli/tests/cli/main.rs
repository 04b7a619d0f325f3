//! What a person and a program see of `azcred`: the binary is run as they run it, against an emulator in this process or
//! a hostile authority on loopback.

mod authority;
mod azure;
mod canary;
mod canary_hostile;
mod canary_token;
mod chain;
mod doctor;
mod emulator;
mod failures;
mod help;
mod personas;
mod run;
mod story;
mod streams;
mod token;
mod tools;
