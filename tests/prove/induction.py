# SPDX-License-Identifier: GPL-2.0-or-later
"""The scan of any number of entries, by induction over the steps of its walks.

One entry is there: the one that a walk stands at, with all that is in it unknown. Where a side
looks at another one, its path ends (Elsewhere), and the other side's must end there too, at the
same entry, after the same calls and with the same memory. From there both are followed anew, with
that entry in the place of the one before, all memory unknown again, and of registers and stack
known alone what does not change from step to step. That is done until no new such pair of points
comes up.
"""

import z3

from callees import Callees
from compare import whole
from errors import NotUnderstood
from explore import says
from machine import PAUSED
from maps import SCAN, Case
from memory import Memory, cells
from others import Anybody, Unlocked
from proof import Proof
from state import State
from values import BY_IDENT, key, known, settle, unknown
from world import KEPT
from window import CURSOR, ELSEWHERE, START, Window, split, variables

# What is the same from the first step to the last.
PMAPS = {"map.pmap", "kernel_pmap"}
RIGID = PMAPS | {"end", "start", "active_thread", *[f"kept.{name}" for name in KEPT]}
MOST_POINTS = 500


class Walks(Case):
    """A scan from an entry of a map, whatever else is in that; or from its header."""

    def __init__(self, image, from_header):
        super().__init__(image, SCAN, 1, 1)
        self.root, self.answers = self, ()
        self.world = Window(image)
        self.others = Anybody(self.world)
        self.entry = self.world.header if from_header else START

    # Whether no step was taken yet, but up to the first call.
    is_first = True
    # What its steps are made of.
    rigid = RIGID

    def window(self, cursor):
        return Window(self.image, cursor)

    def beside(self, world):
        """Who else is at the map."""
        return Anybody(world)

    def callees_of(self, world, others):
        return Callees(world, others)

    def cursor_for(self, pointer, _is_first):
        """What the entry is called that a step goes on at."""
        return START if pointer is START else CURSOR

    @property
    def name(self):
        where = "the header" if known(self.entry) else "an entry"
        return f"{self.function} of {where} in any map"

    def in_order(self, state):
        """Nothing is known of the entries' order."""
        return self.world.conditions()


class Point:
    """Where one side stands, and what is known of all that it holds."""

    def __init__(self, state, pointer, cursor, solver, rigid=RIGID):
        self.side, self.solver, self.rigid = state.side, solver, rigid
        self.lookups = state.lookups
        self.block, self.index = state.block, state.index
        self.unlocked = isinstance(state.others, Unlocked)
        if state.others is not None and not self.unlocked:
            raise NotUnderstood("an entry is looked at without the map's lock")
        self.pointer, self.cursor = pointer, cursor
        # The keys of the unknowns that stand for what is not known any more.
        self.forgotten = set()
        esp = state.get("esp")
        if not known(esp):
            raise NotUnderstood("a stack pointer that is not known")
        self.registers = self.memory("register", state.registers.content, 0)
        self.stack = self.memory("stack", state.stack.content, esp)
        self.temporaries = [self.keep(f"temporary.{number}", value)
                            for number, value in enumerate(state.temporaries)]

    def memory(self, where, content, first):
        """Bytes from `first` up; below the stack pointer there is nothing to be found again."""
        kept = {}
        for address in sorted(content):
            value, index, size = content[address]
            if address < first or address in kept:
                continue
            if known(value):
                kept[address] = cells(value >> 8 * index & 0xFF, 1)[0]
            elif index == 0 and whole(content, address, size):
                value = self.keep(f"{where}.{address}", value)
                kept.update(zip(range(address, address + size), cells(value, size)))
            else:
                kept[address] = cells(self.forget(f"{where}.{address}", 8), 1)[0]
        return dict(sorted(kept.items()))

    def keep(self, where, value):
        """The value if it is known or does not change; the new entry's address; or anything."""
        if value is None or isinstance(value, (int, bool)):
            return value
        pointer, offset = split(value)
        if pointer is self.pointer:
            return settle(self.cursor + offset) if offset else self.cursor
        if variables(value) <= self.rigid:
            return value
        flag = self.flag(value)
        if flag is not None:
            return flag
        return self.forget(where, None if z3.is_bool(value) else value.size())

    def forget(self, where, bits):
        """Anything, of so many bits; None: a condition."""
        name = f"{self.side}.{where}"
        value = settle(unknown(name, 1) == 1) if bits is None else unknown(name, bits)
        self.forgotten.add(key(value))
        return value

    def flag(self, value):
        """0 or 1 if the term is just that on this path: compilers note so what a walk has met."""
        if z3.is_bool(value) or z3.is_const(value):
            return None
        number = self.solver.evaluate(value)
        return number if number in (0, 1) and self.solver.always(value, number) else None

    def place(self):
        """Where it stands, and what is set; points of one place may be compared."""
        return (self.block.address, self.index, self.unlocked, self.lookups, len(self.temporaries),
                *self.registers, None, *self.stack)

    def values(self):
        """What is known of each byte and temporary; None: it may be anything."""
        bytes_ = [*self.registers.values(), *self.stack.values()]
        found = [(key(value), index) for value, index, _ in bytes_]
        found += [("unset",) if value is None else (key(value), type(value))
                  for value in self.temporaries]
        return [None if value[0] in self.forgotten else value for value in found]

    def resume(self, world):
        """The state that goes on from here."""
        state = State(world, self.side)
        state.registers = Memory(dict(self.registers))
        state.stack = Memory(dict(self.stack))
        state.block, state.index = self.block, self.index
        state.temporaries = list(self.temporaries)
        state.lookups = self.lookups
        if self.unlocked:
            state.others = Unlocked(world, [])
        return state


class Step(Case):
    """Both sides, from a pair of points on."""

    def __init__(self, walks, cursor, points, answers):
        super().__init__(walks.image, walks.function, 1, 1)
        self.root, self.points, self.answers = walks, points, answers
        self.world = walks.window(cursor)
        self.others = walks.beside(self.world)
        self.place = (key(cursor), *answers, *[point.place() for point in points.values()])
        self.values = [value for point in points.values() for value in point.values()]

    @property
    def returns(self):
        return self.root.returns

    def callees(self):
        return self.root.callees_of(self.world, self.others)

    def covers(self, other):
        """Whether each state of the other step is one of this."""
        return self.place == other.place and \
            all(a is None or a == b for a, b in zip(self.values, other.values))

    @property
    def name(self):
        where = self.image.name(self.points["shipped"].block.address)
        return f"{self.root.name}, a step from {where}"

    def start(self, side):
        state = self.points[side].resume(self.world)
        conditions = [says(BY_IDENT[term], value) for term, value in self.answers]
        return state, self.world.first_memory(state) + self.world.conditions() + conditions

    def enter(self, machine, state):
        """It is there."""


class NotInductive(NotUnderstood):
    """The two differ behind points that may not come up in any map, or that do."""


class Induction:
    """Goes through all steps, as a Proof goes through a case."""

    def __init__(self, case, lifter):
        self.case, self.lifter = case, lifter
        self.executed = set()
        self.shipped_paths = self.pairs = 0

    def run(self):
        """Returns None: proved. A difference is no counterexample, but ends it."""
        waiting, seen = [self.case], []
        while waiting:
            self.case = waiting.pop()
            found = []
            self.proof = proof = Proof(self.case, self.lifter, lambda pair: self.offer(pair, found))
            try:
                difference = proof.run()
            finally:
                self.executed |= proof.executed
                self.shipped_paths += proof.shipped_paths
                self.pairs += proof.pairs
            if difference:
                raise NotInductive(f"{self.case.name}: {difference.what}")
            for step in found:
                if not any(other.covers(step) for other in seen):
                    waiting = [other for other in waiting if not step.covers(other)]
                    seen.append(step)
                    waiting.append(step)
            if len(seen) > MOST_POINTS:
                raise NotUnderstood(f"more than {MOST_POINTS} pairs of points: no induction")
        return None

    def offer(self, pair, found):
        """Takes what comes behind a pair of paths, while the solver knows them."""
        if pair.shipped[1].how not in (ELSEWHERE, PAUSED):
            return
        root = self.case.root
        cursor = root.cursor_for(pair.shipped[1].value, self.case.is_first)
        points = {state.side: Point(state, end.value, cursor, self.proof.solver, root.rigid)
                  for state, end in (pair.shipped, pair.ours)}
        # Whose pmap it is stays as it is.
        answers = sorted({*self.case.answers, *[answer for answer in pair.shipped[0].chosen.items()
                                      if variables(BY_IDENT[answer[0]]) <= PMAPS]})
        step = Step(root, cursor, points, answers)
        step.is_first = self.case is root and pair.shipped[1].how == PAUSED
        found.append(step)


def walks(image):
    """From an entry and from the header."""
    return [Walks(image, from_header) for from_header in (False, True)]
