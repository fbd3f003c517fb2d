// SPDX-License-Identifier: GPL-2.0-or-later
//! How far a search is, in a line on the terminal.

/// Called with the number of each schedule.
pub fn shown(label: String) -> Box<dyn FnMut(u64)> {
    let line = kit::progress::line();
    if line.is_hidden() {
        return Box::new(|_| ());
    }
    Box::new(move |schedule| {
        if schedule % 10_000 == 0 {
            line.set_message(format!("{label}: {schedule} schedules"));
        }
    })
}
