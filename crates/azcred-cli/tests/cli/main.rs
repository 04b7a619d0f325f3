//! What people and programs see of `azcred`: the tests run the binary, against an emulator in this
//! process or a hostile authority on the loopback address.

#[cfg(unix)]
mod account;
mod authority;
#[cfg(unix)]
mod az;
#[cfg(unix)]
mod az_on_path;
mod azure;
mod cache;
mod canary;
mod canary_hostile;
mod canary_token;
mod chain;
mod ci;
mod completions;
mod doctor;
#[cfg(feature = "emulator")]
mod emulator;
#[cfg(unix)]
mod exec;
mod failures;
mod federate;
#[cfg(unix)]
mod folders;
mod help;
mod home;
mod hostile_text;
#[cfg(all(target_os = "linux", feature = "emulator"))]
mod isolate;
#[cfg(all(unix, feature = "emulator"))]
mod isolation;
#[cfg(all(unix, feature = "emulator"))]
mod jobs;
#[cfg(unix)]
mod limits;
#[cfg(unix)]
mod login;
#[cfg(unix)]
mod person;
mod personas;
#[cfg(unix)]
mod renewal;
mod role;
mod run;
#[cfg(unix)]
mod serve;
mod sp;
mod sp_killed;
mod sp_permitted;
mod sp_show;
mod story;
mod streams;
mod subscription;
mod team;
mod tenant;
#[cfg(unix)]
mod terminal;
mod token;
mod tools;
mod workspace;
