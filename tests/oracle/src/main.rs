// SPDX-License-Identifier: GPL-2.0-or-later
//! Runs our functions and the kernel's own machine code on the same memory.

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

mod case;
mod dwarf;
mod generate;
mod hooks;
mod interference;
mod kernel;
mod layout;
mod low;
mod machine;
mod ours;
mod reach;
mod rng;
mod run;
mod state;
mod watch;

#[derive(Parser)]
struct Args {
    #[arg(long)]
    kernel: PathBuf,
    #[arg(long)]
    object: PathBuf,
    #[arg(long, default_value_t = 100000)]
    cases: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let machine = machine::Machine::new(&args.kernel, &args.object)?;
    println!("{} touched {:x?}", machine.kernel.version, watch::touched().collect::<Vec<_>>());
    let mut bench = run::Bench::new(machine);
    watch::start_clock();
    let mut base = case::Base::default();
    let mut case = case::Case::default();
    let t = std::time::Instant::now();
    let (mut m, mut a, mut w, mut s, mut p) = (0, 0, 0, 0, 0);
    for i in 0..args.cases {
        if i % 32 == 0 {
            let mut rng = rng::Rng::new(args.seed, i / 32 << 32);
            generate::base(&mut rng, &mut base);
            bench.build(&base)?;
        }
        let mut rng = rng::Rng::new(args.seed, i + 1);
        generate::case(&mut rng, bench.entries(), &mut case);
        if let Some(d) = bench.run(&case) {
            println!(
                "case {i}: {d:?} {:?} {:?}\n{base:?}\n{case:?}",
                bench.shipped.returned, bench.ours.returned
            );
            for side in [&bench.shipped, &bench.ours] {
                for r in &side.returned {
                    if let Err(e) = r {
                        println!("{}", bench.machine.describe(e));
                    }
                }
            }
            for i in 0..bench.shipped.calls.len().max(bench.ours.calls.len()) {
                println!("{:x?}\n   {:x?}", bench.shipped.calls.get(i), bench.ours.calls.get(i));
            }
            break;
        }
        let n = bench.notes();
        m += n.merged as u32;
        a += n.asserted as u32;
        w += n.wired as u32;
        s += n.slept as u32;
        p += n.panicked as u32;
    }
    println!("{} in {:?}; merged {m} asserted {a} wired {w} slept {s} panicked {p}; touched {:x?}; tail {}", args.cases, t.elapsed(), watch::touched().collect::<Vec<_>>(), bench.tail_is_clean());
    Ok(())
}
