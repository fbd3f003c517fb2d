// SPDX-License-Identifier: GPL-2.0-or-later
//! How a run of `vmtool defects` ends, the graver the later.

use kit::exit;

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
            Status::AsExpected => exit::DONE,
            Status::Unexpected => exit::NOT_PASSED,
            Status::KernelsDiffer => exit::KERNELS_DIFFER,
            Status::NotTried => exit::NOT_TRIED,
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
