//! `cargo xtask test`: everything that CI checks.

use crate::{
    bindings,
    command::{cargo, run},
    dist, interop,
    lint::Lint,
    step::{Passed, Step, Steps},
};
use anyhow::{Context, Result, ensure};

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
                about: "the library with each of its features and with none, and the binary without the emulator",
                run: features,
            },
            Step {
                name: "interop",
                about: "third-party programs, against the emulator",
                run: interop::step,
            },
            Step {
                name: "bindings",
                about: "the Python package, with azure-identity's clients, against the emulator",
                run: bindings::step,
            },
            Step {
                name: "dist",
                about: "what a release consists of, in empty places; built with the profile dev",
                run: dist::step,
            },
        ]);
        steps
    }
}

fn tests() -> Result<Passed> {
    // The fuzz targets enable features of the other crates. Built with them, those would have to be
    // built again for the next step.
    let others = run(cargo(&["test", "--locked", "--no-fail-fast"]).args([
        "--workspace",
        "--exclude",
        "azcred-fuzz",
    ]));
    let replay = run(&mut cargo(&[
        "test",
        "--locked",
        "--package",
        "azcred-fuzz",
    ]));
    others.and(replay)?;
    Ok(Passed::Whole)
}

/// Features that a program can enable separately.
const FEATURES: [&str; 5] = [
    "azure_core",
    "certificates",
    "developer-tools",
    "disk-cache",
    "people",
];

/// The other crates enable the library's features, so it is built alone here.
fn features() -> Result<Passed> {
    let bare = ["--locked", "--package", "azcred", "--no-default-features"];
    run(cargo(&["clippy"])
        .args(bare)
        .args(["--all-targets", "--", "-D", "warnings"]))?;
    for feature in FEATURES {
        run(cargo(&["clippy"]).args(bare).args([
            "--features",
            feature,
            "--lib",
            "--",
            "-D",
            "warnings",
        ]))?;
    }
    run(cargo(&["test"]).args(bare).arg("--no-fail-fast"))?;
    has_no_aws_lc()?;
    // The commands are tested with the emulator. Here, only the build and the help are checked.
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

/// AWS-LC takes 45 ms of a process before its first random number: the libraries must not depend on
/// it.
fn has_no_aws_lc() -> Result<()> {
    let mut tree = cargo(&["tree", "--locked", "--edges", "normal,build"]);
    tree.args(["--package", "azcred", "--package", "azcred-azure"])
        .args(["--all-features", "--target", "all", "--prefix", "none"]);
    let output = tree.output().context("cargo tree did not start")?;
    ensure!(output.status.success(), "cargo tree failed");
    let tree = String::from_utf8_lossy(&output.stdout);
    ensure!(
        tree.contains("ring v") && !tree.contains("aws-lc"),
        "azcred or azcred-azure depends on AWS-LC: `cargo tree --package azcred --invert aws-lc-rs` says by what"
    );
    Ok(())
}
