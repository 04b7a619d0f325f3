//! `cargo xtask test`: everything that CI checks.

use crate::{
    command::{cargo, run},
    interop,
    lint::Lint,
    step::{Passed, Step, Steps},
};
use anyhow::Result;

/// The verb.
pub(crate) struct Test;

impl Steps for Test {
    fn steps() -> Vec<Step> {
        let mut steps = Lint::steps();
        steps.extend([
            Step {
                name: "tests",
                about: "every test of every crate, and the examples in the documentation",
                run: tests,
            },
            Step {
                name: "features",
                about: "the library without its default features, and the binary without the emulator",
                run: features,
            },
            Step {
                name: "interop",
                about: "programs that nobody here wrote, against the emulator",
                run: interop::step,
            },
        ]);
        steps
    }
}

fn tests() -> Result<Passed> {
    run(&mut cargo(&[
        "test",
        "--locked",
        "--workspace",
        "--no-fail-fast",
    ]))?;
    Ok(Passed::Whole)
}

/// The rest of the workspace turns the library's defaults on; only alone is it built without them.
fn features() -> Result<Passed> {
    let bare = ["--locked", "--package", "azcred", "--no-default-features"];
    run(cargo(&["clippy"])
        .args(bare)
        .args(["--all-targets", "--", "-D", "warnings"]))?;
    run(cargo(&["test"]).args(bare).arg("--no-fail-fast"))?;
    // The commands are tested with the emulator. What is left to check here is that the binary
    // builds, and its help.
    let small = [
        "--locked",
        "--package",
        "azcred-cli",
        "--no-default-features",
    ];
    run(cargo(&["clippy"])
        .args(small)
        .args(["--all-targets", "--", "-D", "warnings"]))?;
    run(cargo(&["test"])
        .args(small)
        .args(["--test", "cli", "help::"]))?;
    Ok(Passed::Whole)
}
