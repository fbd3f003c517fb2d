# SPDX-License-Identifier: GPL-2.0-or-later
"""One case: every path of ours beside every path of the shipped code that one state can take."""

from compare import Difference, compare
from errors import NotUnderstood
from explore import Node, Solver, explore
from machine import Machine
from world import HELD


class Pair:
    """The ends of two paths, and a state that takes both."""

    def __init__(self, case, shipped, ours, model):
        self.case, self.shipped, self.ours, self.model = case, shipped, ours, model

    def holds_hint_lock(self):
        """Whether another CPU does in that state, 0 or 1."""
        return self.model.eval(HELD, model_completion=True).as_long()


class Proof:
    """Goes through a case. `at_pair` is called for each pair that agrees."""

    def __init__(self, case, lifter, at_pair=None, held=None):
        self.case = case
        # Of all states those alone in which another CPU holds the hint's lock, or does not.
        self.conditions = [] if held is None else [HELD == held]
        self.solver = Solver()
        self.machine = Machine(lifter, case.callees())
        self.at_pair = at_pair
        self.shipped_paths = self.pairs = 0

    def run(self):
        """Returns None, or the first Difference, with its Pair in `self.pair`."""
        root, conditions = self.root("shipped", remember=False)
        self.ours = None
        self.solver.start(conditions + self.conditions)
        try:
            explore(root, {}, self.solver, self.at_shipped_end)
        except Refuted as refuted:
            return refuted.difference
        return None

    @property
    def executed(self):
        """The instructions that were ever run."""
        return self.machine.executed

    def root(self, side, remember):
        """Where a side first has to choose, and the conditions on its first state."""
        state, conditions = self.case.start(side)
        self.case.enter(self.machine, state)
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
                                 self.case.returns)
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
        self.pair.model = difference.model
        raise Refuted(difference)


class Refuted(Exception):
    def __init__(self, difference):
        super().__init__(difference.what)
        self.difference = difference
