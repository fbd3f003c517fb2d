// SPDX-License-Identifier: GPL-2.0-or-later
//! `vmtool`: one binary with the host tools of this project.

mod boot;
mod check;
mod cli;
mod defects;
mod fuzz;
mod graft;
mod hurd;
mod layout;
mod object_check;
mod patch;
mod run;
mod window;
mod wrong;

use kit::elf;

fn main() -> std::process::ExitCode {
    cli::main()
}
