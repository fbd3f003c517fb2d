// SPDX-License-Identifier: GPL-2.0-or-later
//! What a graft replaces.

use object::{Object, ObjectSymbol};

/// A function of the kernel that an object of ours may have.
#[derive(Debug)]
pub struct Function {
    pub name: &'static str,
    pub parameters: &'static [&'static str],
    pub has_result: bool,
    /// Whether a copy of it, inlined into a function that stays, may stay with that.
    pub may_stay_inlined: bool,
}

/// The two first, then their callers, then what `sound` has besides.
const ALL: [Function; 13] = [
    gives("vm_map_coalesce_entry", &["map", "entry"]),
    gives_nothing("vm_map_pageable_scan", &["map", "start_entry", "end"]),
    gives_nothing("_vm_map_clip_end", &["map_header", "entry", "end", "link_gap"]),
    gives_nothing("_vm_map_clip_start", &["map_header", "entry", "start", "link_gap"]),
    gives("vm_map_delete", &["map", "start", "end"]),
    gives_nothing("vm_map_entry_delete", &["map", "entry"]),
    gives("vm_map_inherit", &["map", "start", "end", "new_inheritance"]),
    gives("vm_map_pageable", &["map", "start", "end", "access_type", "lock_map", "check_range"]),
    gives("vm_map_pageable_all", &["map", "flags"]),
    gives("vm_map_protect", &["map", "start", "end", "new_prot", "set_max"]),
    // It takes the lock and calls vm_map_delete, which no copy of it does without. gcc puts it
    // into vm_map_copyin_page_list_cont in all of Debian's kernels.
    Function { may_stay_inlined: true, ..gives("vm_map_remove", &["map", "start", "end"]) },
    gives("projected_buffer_in_range", &["map", "start", "end"]),
    gives("vm_page_convert", &["mp"]),
];
const THE_TWO: usize = 2;
const WITH_CALLERS: usize = 11;

const fn gives(name: &'static str, parameters: &'static [&'static str]) -> Function {
    Function { name, parameters, has_result: true, may_stay_inlined: false }
}

const fn gives_nothing(name: &'static str, parameters: &'static [&'static str]) -> Function {
    Function { has_result: false, ..gives(name, parameters) }
}

/// The two; and all of their callers, if the object defines any of those; and what `sound` has, if it does.
pub fn replaced_by(object: &object::File) -> &'static [Function] {
    let has = |more: &[Function]| {
        let is_one = |name| more.iter().any(|function| function.name == name);
        object.symbols().any(|s| !s.is_undefined() && s.name().is_ok_and(is_one))
    };
    if has(&ALL[WITH_CALLERS..]) {
        &ALL
    } else if has(&ALL[THE_TWO..]) {
        &ALL[..WITH_CALLERS]
    } else {
        &ALL[..THE_TWO]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object_check::{CALLERS, FUNCTIONS};

    #[test]
    fn they_are_those_that_an_object_is_checked_for() {
        let names = |functions: &[Function]| functions.iter().map(|f| f.name).collect::<Vec<_>>();
        assert_eq!(names(&ALL[..THE_TWO]), FUNCTIONS);
        assert_eq!(names(&ALL[THE_TWO..WITH_CALLERS]), CALLERS);
    }
}
