// SPDX-License-Identifier: GPL-2.0-or-later
//! The command line: one subcommand per tool, one module per subcommand.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{
    boot, check, defects, fuzz, graft, hurd, layout, object_check, patch, run, window, wrong,
};

/// Host tools for GNU Mach's VM map in Rust.
#[derive(Parser)]
#[command(name = "vmtool", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Boot(boot::Args),
    Check(check::Args),
    Defects(defects::Args),
    Fuzz(fuzz::Args),
    Graft(graft::Args),
    Hurd(hurd::Args),
    Integrate(patch::IntegrateArgs),
    Layout(layout::Args),
    Object(object_check::Args),
    Patch(patch::PatchArgs),
    Run(run::Args),
    Window(window::Args),
    Wrong(wrong::Args),
}

/// Runs the subcommand; 0 = done, 1 = it failed and said why, 2 = wrong usage (clap's own). Those that
/// judge something have more, see their --help.
pub fn main() -> ExitCode {
    let done = |()| ExitCode::SUCCESS;
    let result = match Cli::parse().command {
        Command::Boot(args) => boot::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Defects(args) => defects::run(&args),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Graft(args) => graft::run(&args).map(done),
        Command::Hurd(args) => hurd::run(&args),
        Command::Integrate(args) => patch::integrate(&args).map(done),
        Command::Layout(args) => layout::run(&args).map(done),
        Command::Object(args) => object_check::run(&args).map(done),
        Command::Patch(args) => patch::patch(&args).map(done),
        Command::Run(args) => run::run(&args),
        Command::Window(args) => window::run(&args).map(done),
        Command::Wrong(args) => wrong::run(&args),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("vmtool: {error:#}");
            ExitCode::FAILURE
        }
    }
}
