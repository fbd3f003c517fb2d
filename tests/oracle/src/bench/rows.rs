// SPDX-License-Identifier: GPL-2.0-or-later
//! The calls that are measured.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Coalesce(Coalesce),
    Scan(Scan),
    Caller(Caller),
}

/// How the coalesce ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coalesce {
    PreviousIsHeader,
    NotAdjacent,
    ProtectionDiffers,
    InTransition,
    Hit,
}

/// What the scan does to every entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {
    WireKernel,
    WireUser,
    CountUp,
    CountStays,
    Unwire,
    Nothing,
}

/// Which of the two functions' callers is called, and what it does to every entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    WireKernel,
    WireUser,
    WireAgain,
    Unwire,
    Protect,
    ProtectMerging,
    /// Of one entry, whose ends are outside.
    ProtectClipping,
    Inherit,
    InheritMerging,
    Remove,
    /// The last of so many calls, each of which gives access to a page of a map that wires what it
    /// has: as malloc does in a task that called vm_wire_all.
    ProtectPages,
    /// These of one entry.
    WireAll,
    Delete,
    EntryDelete,
    ClipStart,
    ClipEnd,
}

#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub call: Call,
    pub entries: u32,
    /// Whether the kernel's functions that wire and unwire pages run, and count on both sides.
    pub with_pages: bool,
}

pub const COALESCE: [Coalesce; 4] = [
    Coalesce::PreviousIsHeader,
    Coalesce::NotAdjacent,
    Coalesce::ProtectionDiffers,
    Coalesce::InTransition,
];
pub const SCAN: [Scan; 6] = [
    Scan::WireKernel,
    Scan::WireUser,
    Scan::CountUp,
    Scan::CountStays,
    Scan::Unwire,
    Scan::Nothing,
];
const HIT_SIZES: [u32; 3] = [3, 16, 256];
pub const SCAN_SIZES: [u32; 5] = [1, 16, 256, 4_096, 65_536];

const CALLERS: [Caller; 15] = [
    Caller::WireKernel,
    Caller::WireUser,
    Caller::WireAgain,
    Caller::Unwire,
    Caller::Protect,
    Caller::ProtectMerging,
    Caller::ProtectClipping,
    Caller::Inherit,
    Caller::InheritMerging,
    Caller::Remove,
    Caller::WireAll,
    Caller::Delete,
    Caller::EntryDelete,
    Caller::ClipStart,
    Caller::ClipEnd,
];
const CALLER_SIZES: [u32; 4] = [1, 16, 256, 4_096];

/// So many calls, and pages.
const PAGES: [u32; 3] = [64, 1_000, 10_000];

/// What only `sound` is measured for beside the callers' rows.
pub fn pages_rows(most: u32) -> impl Iterator<Item = Row> {
    let row = |entries| Row::of(Call::Caller(Caller::ProtectPages), entries);
    PAGES.map(row).into_iter().filter(move |row| row.entries <= most)
}

/// What calls the kernel's functions for pages, with those. Rows that are not counted by traps have
/// no callees.
pub fn rows_with_pages(most: u32) -> impl Iterator<Item = Row> {
    let rows =
        [Caller::WireKernel, Caller::WireUser, Caller::Unwire].into_iter().flat_map(|what| {
            CALLER_SIZES
                .map(|entries| Row { with_pages: true, ..Row::of(Call::Caller(what), entries) })
        });
    rows.filter(move |row| row.entries <= most)
}

/// Every row of the callers, but those with more entries than `most`.
pub fn callers_rows(most: u32) -> Vec<Row> {
    let rows = CALLERS.iter().flat_map(|&what| {
        CALLER_SIZES.iter().map(move |&entries| Row::of(Call::Caller(what), entries))
    });
    rows.filter(|row| row.entries <= most && (row.entries == 1 || row.is_of_sizes())).collect()
}

/// Every row, but those with more entries than `most`.
pub fn rows(most: u32) -> Vec<Row> {
    let refused = COALESCE.iter().map(|&how| Row::of(Call::Coalesce(how), 3));
    let hits = HIT_SIZES.iter().map(|&entries| Row::of(Call::Coalesce(Coalesce::Hit), entries));
    let scans = SCAN.iter().flat_map(|&what| {
        SCAN_SIZES.iter().map(move |&entries| Row::of(Call::Scan(what), entries))
    });
    refused.chain(hits).chain(scans).filter(|row| row.entries <= most).collect()
}

impl Row {
    fn of(call: Call, entries: u32) -> Self {
        Row { call, entries, with_pages: false }
    }

    /// What is called, without the number of entries.
    pub fn what(&self) -> &'static str {
        match self.call {
            Call::Caller(Caller::WireKernel) if self.with_pages => {
                "pageable, wire, kernel pmap, with pages"
            }
            Call::Caller(Caller::WireUser) if self.with_pages => {
                "pageable, wire, user pmap, with pages"
            }
            Call::Caller(Caller::Unwire) if self.with_pages => "pageable, unwire, with pages",
            Call::Coalesce(Coalesce::PreviousIsHeader) => "coalesce, previous is the header",
            Call::Coalesce(Coalesce::NotAdjacent) => "coalesce, not adjacent",
            Call::Coalesce(Coalesce::ProtectionDiffers) => "coalesce, protection differs",
            Call::Coalesce(Coalesce::InTransition) => "coalesce, in transition",
            Call::Coalesce(Coalesce::Hit) => "coalesce, hit, null objects",
            Call::Scan(Scan::WireKernel) => "scan, wire, kernel pmap",
            Call::Scan(Scan::WireUser) => "scan, wire, user pmap",
            Call::Scan(Scan::CountUp) => "scan, count 1 to 2",
            Call::Scan(Scan::CountStays) => "scan, count already 2",
            Call::Scan(Scan::Unwire) => "scan, unwire",
            Call::Scan(Scan::Nothing) => "scan, nothing to do",
            Call::Caller(Caller::WireKernel) => "pageable, wire, kernel pmap",
            Call::Caller(Caller::WireUser) => "pageable, wire, user pmap",
            Call::Caller(Caller::WireAgain) => "pageable, wire what is wired",
            Call::Caller(Caller::Unwire) => "pageable, unwire",
            Call::Caller(Caller::Protect) => "protect",
            Call::Caller(Caller::ProtectMerging) => "protect, all merge",
            Call::Caller(Caller::ProtectClipping) => "protect, clips both ends",
            Call::Caller(Caller::Inherit) => "inherit",
            Call::Caller(Caller::InheritMerging) => "inherit, all merge",
            Call::Caller(Caller::Remove) => "remove",
            Call::Caller(Caller::ProtectPages) => "protect, page by page, to be wired",
            Call::Caller(Caller::WireAll) => "pageable_all, wire, user pmap",
            Call::Caller(Caller::Delete) => "delete",
            Call::Caller(Caller::EntryDelete) => "entry_delete",
            Call::Caller(Caller::ClipStart) => "clip_start",
            Call::Caller(Caller::ClipEnd) => "clip_end",
        }
    }

    /// Whether it is measured for more entries than one.
    fn is_of_sizes(&self) -> bool {
        use Caller::*;
        let Call::Caller(what) = self.call else { return true };
        !matches!(what, ProtectClipping | WireAll | Delete | EntryDelete | ClipStart | ClipEnd)
    }

    /// Whether it is the last of a series of calls.
    pub fn is_of_series(&self) -> bool {
        self.call == Call::Caller(Caller::ProtectPages)
    }

    /// Whether a second call finds what the first did.
    pub fn changes_nothing(&self) -> bool {
        match self.call {
            Call::Coalesce(how) => how != Coalesce::Hit,
            Call::Scan(what) => matches!(what, Scan::CountStays | Scan::Nothing),
            Call::Caller(_) => false,
        }
    }
}
