# SPDX-License-Identifier: GPL-2.0-or-later
"""One case: every path of ours beside every path of the shipped code that one state can take."""

import z3

from callees import Callees
from compare import Difference, compare
from errors import NotUnderstood
from explore import Node, Solver, explore
from machine import Machine
from maps import COALESCE


class Pair:
    """The ends of two paths, and a state that takes both."""

    def __init__(self, case, shipped, ours, model):
        self.case, self.shipped, self.ours, self.model = case, shipped, ours, model


class Proof:
    """Goes through a case. `at_pair` is called for each pair that agrees."""

    def __init__(self, case, lifter, at_pair=None):
        self.case = case
        self.solver = Solver()
        self.machine = Machine(lifter, Callees(case.world, case.others))
        self.at_pair = at_pair
        self.shipped_paths = self.pairs = 0

    def run(self):
        """Returns None, or the first Difference, with its Pair in `self.pair`."""
        root, conditions = self.root("shipped", remember=False)
        self.ours = None
        self.solver.start(conditions)
        try:
            explore(root, {}, self.solver, self.at_shipped_end)
        except Refuted as refuted:
            return refuted.difference
        return None

    def root(self, side, remember):
        """Where a side first has to choose, and the conditions on its first state."""
        state, conditions = self.case.start(side)
        self.machine.start(state, self.case.address(side))
        return Node(self.machine, state, remember), conditions

    def at_shipped_end(self, shipped, chosen):
        self.shipped_paths += 1
        model = self.solver.model
        shipped = (shipped.state, shipped.end)

        def at_our_end(node, _):
            self.pairs += 1
            ours = (node.state, node.end)
            self.pair = Pair(self.case, shipped, ours, self.solver.model)
            difference = compare(self.case.world, self.solver, *shipped, *ours,
                                 self.case.function == COALESCE)
            if difference:
                self.refute(difference)
            if self.at_pair:
                self.at_pair(self.pair)

        try:
            if self.ours is None:
                self.ours, _ = self.root("ours", remember=True)
            # What was chosen for the shipped code is true here too.
            explore(self.ours, chosen, self.solver, at_our_end)
        except NotUnderstood as reason:
            # No proof in any case; if the processor sees it too, a counterexample.
            stopped = getattr(reason, "state", None) or self.case.start("ours")[0]
            self.pair = Pair(self.case, shipped, (stopped, None), self.solver.model)
            self.refute(Difference(f"our code: {reason}", self.solver.model, understood=False))
        self.solver.model = model

    def refute(self, difference):
        """Rather with a state in which nobody else holds the hint's lock, unless that is the
        point: so it can be replayed without a clock."""
        held = z3.BitVec("hint_lock.try0", 1)
        wish = 1 if "lock" in difference.what else 0
        solver = self.solver.solver
        solver.push()
        solver.add(held == wish)
        if difference.condition is not None:
            solver.add(difference.condition)
        if self.solver.check():
            difference.model = solver.model()
        solver.pop()
        self.pair.model = difference.model
        raise Refuted(difference)


class Refuted(Exception):
    def __init__(self, difference):
        super().__init__(difference.what)
        self.difference = difference
