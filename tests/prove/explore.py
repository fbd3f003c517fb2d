# SPDX-License-Identifier: GPL-2.0-or-later
"""Every path, depth first, under one solver."""

import z3

from errors import NotUnderstood
from machine import Ended
from state import Fork
from values import term

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

    def stop(self):
        self.solver.pop()

    def evaluate(self, expression):
        """The value of a term in a state that the path allows."""
        value = self.model.eval(expression, model_completion=True)
        if z3.is_bool(value):
            return z3.is_true(value)
        return value.as_long()


def says(expression, value):
    """The condition that the term has the value."""
    if isinstance(value, bool):
        return expression if value else z3.Not(expression)
    return expression == term(value, expression.size())


def explore(machine, state, solver, at_end):
    """Runs the state to every end that it can come to, and calls `at_end` there.

    The fork at each choice is complete: what is not followed was shown to be impossible.
    """
    while True:
        try:
            machine.run(state)
        except Fork as fork:
            expression = fork.term
        except Ended as end:
            at_end(state, end)
            return
        first = solver.evaluate(expression)
        model, tried = solver.model, [first]
        # All values but the first, as long as there are others.
        solver.solver.push()
        while True:
            solver.solver.add(z3.Not(says(expression, tried[-1])))
            if not solver.check():
                break
            solver.model = solver.solver.model()
            value = solver.evaluate(expression)
            if len(tried) == MOST_VALUES:
                raise NotUnderstood(f"more than {MOST_VALUES} values of {expression}")
            other = state.copy()
            other.take(expression, value)
            solver.solver.push()
            solver.solver.add(says(expression, value))
            explore(machine, other, solver, at_end)
            solver.solver.pop()
            tried.append(value)
            if isinstance(value, bool):
                break
        solver.solver.pop()
        if len(tried) > 1:
            # There are others, so the first value is news to the solver.
            solver.solver.push()
            solver.solver.add(says(expression, first))
            solver.model = model
            state.take(expression, first)
            explore(machine, state, solver, at_end)
            solver.solver.pop()
            return
        solver.model = model
        state.take(expression, first)
