// SPDX-License-Identifier: GPL-2.0-or-later
//! The command line: one subcommand per tool, one module per subcommand.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{layout, object_check};

/// Host tools for GNU Mach's VM map in Rust.
#[derive(Parser)]
#[command(name = "vmtool", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Layout(layout::Args),
    Object(object_check::Args),
}

/// Runs the subcommand; 0 = done, 1 = it failed and said why, 2 = wrong usage (clap's own).
pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Layout(args) => layout::run(&args),
        Command::Object(args) => object_check::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vmtool: {error:#}");
            ExitCode::FAILURE
        }
    }
}
