// SPDX-License-Identifier: GPL-2.0-or-later
//! How a run of `vmtool defects` ends: each exit status by name, the graver the later.

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    AsExpected,
    NotTried,
    Unexpected,
    KernelsDiffer,
}

impl Status {
    pub fn exit_code(self) -> u8 {
        match self {
            Status::AsExpected => 0,
            Status::Unexpected => 10,
            Status::KernelsDiffer => 11,
            Status::NotTried => 12,
        }
    }

    pub fn text(self) -> &'static str {
        match self {
            Status::AsExpected => "as expected",
            Status::Unexpected => "NOT AS EXPECTED",
            Status::KernelsDiffer => "THE TWO KERNELS DIFFER",
            Status::NotTried => "NOT ALL COULD BE TRIED",
        }
    }
}
