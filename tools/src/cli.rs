// SPDX-License-Identifier: GPL-2.0-or-later
//! The command line: one subcommand per tool, one module per subcommand.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Host tools for GNU Mach's VM map in Rust.
#[derive(Parser)]
#[command(name = "vmtool", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {}

/// Runs the subcommand; 0 = done, 1 = it failed and said why, 2 = wrong usage (clap's own).
pub fn main() -> ExitCode {
    match Cli::parse().command {}
}
