// SPDX-License-Identifier: GPL-2.0-or-later
//! Which step to begin next.

use super::table::Step;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not asked for.
    Unwanted,
    Waiting,
    Running,
    /// It passed, or was skipped.
    Done,
    Failed,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    Begin(usize),
    /// It cannot be run, as the other step failed.
    GiveUp(usize, usize),
    /// Something must end first, or all has.
    Wait,
}

/// The first step of the table that may begin on what is left of `cores`. One that wants more than there
/// are gets them all.
pub fn next(steps: &[Step], states: &[State], cores: usize) -> Next {
    let want = |index: usize| steps[index].cores.min(cores);
    let busy: usize =
        (0..steps.len()).filter(|&index| states[index] == State::Running).map(want).sum();
    for index in (0..steps.len()).filter(|&index| states[index] == State::Waiting) {
        let before = &steps[index].after;
        if let Some(&failed) = before.iter().find(|&&other| states[other] == State::Failed) {
            return Next::GiveUp(index, failed);
        }
        let ready =
            before.iter().all(|&other| matches!(states[other], State::Done | State::Unwanted));
        if ready && want(index) + busy <= cores {
            return Next::Begin(index);
        }
    }
    Next::Wait
}

#[cfg(test)]
mod tests {
    use super::*;
    use State::{Done, Failed, Running, Unwanted, Waiting};

    fn steps(of: &[(usize, &[usize])]) -> Vec<Step> {
        let step = |&(cores, after): &(usize, &[usize])| Step {
            name: String::new(),
            cores,
            after: after.into(),
            command: String::new(),
            about: String::new(),
        };
        of.iter().map(step).collect()
    }

    #[test]
    fn fills_the_cores_in_the_order_of_the_table() {
        let steps = steps(&[(1, &[]), (2, &[]), (1, &[])]);
        assert_eq!(next(&steps, &[Waiting, Waiting, Waiting], 2), Next::Begin(0));
        assert_eq!(next(&steps, &[Running, Waiting, Waiting], 2), Next::Begin(2));
        assert_eq!(next(&steps, &[Running, Waiting, Running], 2), Next::Wait);
        assert_eq!(next(&steps, &[Done, Waiting, Running], 2), Next::Wait);
        assert_eq!(next(&steps, &[Done, Waiting, Done], 2), Next::Begin(1));
        assert_eq!(next(&steps, &[Done, Done, Done], 2), Next::Wait);
    }

    #[test]
    fn a_step_that_wants_more_cores_than_there_are_runs_alone() {
        let steps = steps(&[(4, &[]), (1, &[])]);
        assert_eq!(next(&steps, &[Waiting, Waiting], 1), Next::Begin(0));
        assert_eq!(next(&steps, &[Running, Waiting], 1), Next::Wait);
        assert_eq!(next(&steps, &[Running, Waiting], 8), Next::Begin(1));
    }

    #[test]
    fn a_step_that_waits_more_than_it_works_runs_beside_any() {
        let steps = steps(&[(2, &[]), (0, &[]), (2, &[])]);
        assert_eq!(next(&steps, &[Running, Waiting, Waiting], 2), Next::Begin(1));
        assert_eq!(next(&steps, &[Running, Running, Waiting], 2), Next::Wait);
        assert_eq!(next(&steps, &[Done, Running, Waiting], 2), Next::Begin(2));
    }

    #[test]
    fn a_step_waits_for_those_before_it_that_are_wanted() {
        let steps = steps(&[(1, &[]), (1, &[]), (1, &[0, 1])]);
        assert_eq!(next(&steps, &[Done, Running, Waiting], 4), Next::Wait);
        assert_eq!(next(&steps, &[Done, Unwanted, Waiting], 4), Next::Begin(2));
        assert_eq!(next(&steps, &[Failed, Running, Waiting], 4), Next::GiveUp(2, 0));
    }
}
