//! Programs that tests write and start.
//!
//! A system does not start a file that is open for writing ('text file busy'). The tests of a
//! process run in parallel: where one starts a program, its child has copies of all open files for
//! a moment, so also of a program that another test is writing. That test's program is then still
//! open for writing after the test has closed it. A program that is written here is closed in all
//! processes when the function returns.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::{copy, shell_script, write};
