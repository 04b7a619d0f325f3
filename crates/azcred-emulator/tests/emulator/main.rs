//! The emulator over real sockets, as clients and users see it.

mod arm_kept;
mod assertion_refusals;
mod ci_issuers;
mod common;
mod conditional_access;
mod continuous_access;
mod device_code;
mod faults;
mod front_doors;
mod graph;
mod graph_people;
mod graph_queries;
mod identity_host_faults;
mod identity_host_refusals;
mod identity_hosts;
mod isolation;
#[cfg(unix)]
mod isolation_homes;
mod laptop;
mod on_behalf_of;
mod personas;
mod recorded;
mod refresh_tokens;
mod resources;
mod routes;
mod sign_in;
mod sign_in_hostile;
mod sign_in_programs;
mod sign_in_refusals;
mod slow_clients;
mod state_folder;
mod strangers;
mod token_grants;
mod token_refusals;
mod user_sign_in;
mod ways_in;
