# SPDX-License-Identifier: GPL-2.0-or-later
"""Every path, depth first, under one solver."""

import z3

from errors import NotUnderstood
from machine import Ended
from state import Fork, take
from values import remembered, term

# More values than this of one address are no structure that is followed by mistake.
MOST_VALUES = 16


class Unknown(NotUnderstood):
    """The solver gave up."""


class Solver:
    """A solver with a model of what it was told, so that half of the questions need no asking."""

    def __init__(self):
        self.solver = z3.SimpleSolver()
        self.model = None
        self.checks = 0

    def check(self):
        self.checks += 1
        result = self.solver.check()
        if result == z3.unknown:
            raise Unknown(f"the solver gave up: {self.solver.reason_unknown()}")
        return result == z3.sat

    def start(self, conditions):
        """Under these conditions; they must be possible."""
        self.solver.push()
        self.solver.add(*conditions)
        if not self.check():
            raise NotUnderstood("the preconditions contradict each other: nothing is proved")
        self.model = self.solver.model()

    def always(self, expression, value):
        """Whether the term has the value in every state that the path allows."""
        self.solver.push()
        self.solver.add(denies(expression, value))
        possible = self.check()
        self.solver.pop()
        return not possible

    def stop(self):
        self.solver.pop()

    def evaluate(self, expression):
        """The value of a term in a state that the path allows."""
        value = self.model.eval(expression, model_completion=True)
        if z3.is_bool(value):
            return z3.is_true(value)
        return value.as_long()


@remembered
def says(expression, value):
    """The condition that the term has the value."""
    if isinstance(value, bool):
        return expression if value else z3.Not(expression)
    return expression == term(value, expression.size())


@remembered
def denies(expression, value):
    return z3.Not(says(expression, value))


class Node:
    """Where a path must choose, or its end. A choice leads to another node."""

    def __init__(self, machine, state, remember):
        self.machine, self.state = machine, state
        # Whether paths come by again: then each choice is run once.
        self.remember, self.children = remember, {}
        self.term = self.end = None
        try:
            machine.run(state)
        except Fork as fork:
            self.term = fork.term
        except Ended as end:
            # Without the frames that it came through.
            self.end = end.with_traceback(None)

    def child(self, value):
        """Where the path comes to with this value."""
        node = self.children.get(value)
        if node is None:
            state = self.state.copy()
            take(state.chosen, self.term, value)
            node = Node(self.machine, state, self.remember)
            if self.remember:
                self.children[value] = node
        return node


def explore(node, chosen, solver, at_end):
    """Follows every path that a state can take which has the values in `chosen`, and calls
    `at_end` with the end of each and with what was chosen up to there.

    The fork at each choice is complete: what is not followed was shown to be impossible.
    """
    while node.end is None:
        expression = node.term
        value = chosen.get(expression.ident)
        if value is not None:
            node = node.child(value)
            continue
        first = solver.evaluate(expression)
        model, tried = solver.model, [first]
        # All values but the first, as long as there are others.
        solver.solver.push()
        while True:
            solver.solver.add(denies(expression, tried[-1]))
            if not solver.check():
                break
            solver.model = solver.solver.model()
            value = solver.evaluate(expression)
            if len(tried) == MOST_VALUES:
                raise NotUnderstood(f"more than {MOST_VALUES} values of {expression}")
            solver.solver.push()
            solver.solver.add(says(expression, value))
            explore(node.child(value), with_value(chosen, expression, value), solver, at_end)
            solver.solver.pop()
            tried.append(value)
            if isinstance(value, bool):
                break
        solver.solver.pop()
        solver.model = model
        chosen = with_value(chosen, expression, first)
        if len(tried) > 1:
            # There are others, so the first value is news to the solver.
            solver.solver.push()
            solver.solver.add(says(expression, first))
            explore(node.child(first), chosen, solver, at_end)
            solver.solver.pop()
            return
        node = node.child(first)
    at_end(node, chosen)


def with_value(chosen, expression, value):
    chosen = dict(chosen)
    take(chosen, expression, value)
    return chosen
