# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs lifted code along one path, up to a choice or an end."""

from errors import Endless, NotUnderstood
from state import Fork
from steps import PLAIN_JUMPS

# Where the functions return to: no code is there.
RETURN = 0x1000
MOST_BLOCKS = 3000
# An end at which the path may go on by itself.
PAUSED = "stands behind a call"


class Ended(Exception):
    """The path is over: what it returned, or the assertion that stopped it."""

    def __init__(self, how, value):
        super().__init__(how)
        self.how, self.value = how, value


class Machine:
    def __init__(self, lifter, callees):
        self.lifter = lifter
        self.callees = callees
        self.executed = set()

    def run(self, state):
        """Goes on until the state must choose (Fork) or is at its end (Ended)."""
        try:
            while True:
                self.run_block(state)
        except NotUnderstood as reason:
            reason.state = state
            raise

    def start(self, state, address):
        """Calls the function at `address`."""
        state.block = self.lifter.block(address)
        state.index = 0
        state.temporaries = [None] * state.block.temporaries

    def enter(self, state, address):
        """Jumps; a function that is not followed is played."""
        if address == RETURN:
            raise Ended("returns", state.get("eax"))
        state.steps += 1
        if state.steps > MOST_BLOCKS:
            raise Endless(f"a path of more than {MOST_BLOCKS} blocks")
        address = self.callees.enter(state, address)
        if address == RETURN:
            # A jump to a function in place of a call and a return.
            raise Ended("returns", state.get("eax"))
        self.start(state, address)

    def run_block(self, state):
        steps, index = state.block.steps, state.index
        try:
            if state.pause is not None:
                pointer, state.pause = state.pause, None
                raise Ended(PAUSED, pointer)
            while index < len(steps):
                if steps[index](self, state):
                    return
                index += 1
            self.leave(state)
        except (Fork, Ended):
            # Once it is chosen, this step is run again; so it is where an induction goes on.
            state.index = index
            raise

    def leave(self, state):
        block = state.block
        target = state.choose(block.next(state))
        if block.jumpkind == "Ijk_Ret":
            esp = state.choose(state.get("esp"))
            if target == RETURN and esp != state.world.return_esp:
                raise NotUnderstood(f"a return with the stack pointer at {esp:#x}")
        elif block.jumpkind not in PLAIN_JUMPS and block.jumpkind != "Ijk_Call":
            raise NotUnderstood(f"a jump of kind {block.jumpkind} at {block.address:#x}")
        self.enter(state, target)
