// SPDX-License-Identifier: GPL-2.0-or-later
//! Measures our functions beside the shipped ones.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::machine::Side;

mod native;
mod recorder;
mod rows;
mod stage;
pub mod step;

#[derive(Parser)]
struct Args {
    #[arg(long)]
    kernel: PathBuf,
    #[arg(long)]
    object: PathBuf,
    #[arg(long, default_value_t = 256)]
    most: u32,
}

pub fn main(arguments: &[std::ffi::OsString]) -> ExitCode {
    let args = Args::parse_from(arguments);
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("oracle bench: {error:#}");
            2.into()
        }
    }
}

fn run(args: &Args) -> Result<()> {
    let mut stage = stage::Stage::new(&args.kernel, &args.object)?;
    for row in rows::rows(args.most) {
        stage.build(row)?;
        let way = if row.entries > 256 { stage::Way::Record } else { stage::Way::Trap };
        let shipped = stage.count(Side::Shipped, way)?;
        let ours = stage.count(Side::Ours, way)?;
        if way == stage::Way::Trap && row.entries < 256 {
            for (side, known) in [(Side::Shipped, shipped), (Side::Ours, ours)] {
                let mut again = stage.count(side, stage::Way::Record)?;
                again.whole = known.whole;
                anyhow::ensure!(again == known, "{side:?} {} {}: {known:?} {again:?}", row.what(), row.entries);
            }
        }
        println!("{:36} {:>6}  own {:>8} +helpers {:>8} whole {:>8} | ours {:>8} whole {:>8}  stack {} {}",
            row.what(), row.entries,
            shipped.own.instructions, shipped.with_helpers.instructions, shipped.whole.instructions,
            ours.own.instructions, ours.whole.instructions, shipped.stack, ours.stack);
    }
    Ok(())
}
