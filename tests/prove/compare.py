# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether the ends of two paths, one of each side, are the same in every state that takes both."""

import z3

from values import condition, opposite, part, same, unknown
from machine import PAUSED
from window import ELSEWHERE
from world import KEPT


class Difference:
    """The first way in which two paths may differ."""

    def __init__(self, what, model, understood=True):
        self.what, self.model, self.understood = what, model, understood


def compare(world, solver, shipped, shipped_end, ours, ours_end, returns):
    """None if nothing can differ, else a Difference with a state of the solver's."""
    kinds = [[(event[0], event[1]) for event in state.events] for state in (shipped, ours)]
    for number, (a, b) in enumerate(zip(*kinds)):
        if a != b:
            return found(solver, f"step {number + 1}: {' '.join(a)} against {' '.join(b)}")
    for a, b, who in [(*kinds, "ours"), (*reversed(kinds), "the shipped code")]:
        if len(a) > len(b):
            return found(solver, f"{who} does not: {' '.join(a[len(b)])}")
    if shipped_end.how != ours_end.how:
        return found(solver, f"{shipped_end.how} against {ours_end.how}")
    unequal = Unequal()
    for number, (a, b) in enumerate(zip(shipped.events, ours.events)):
        what = f"step {number + 1}, {' '.join(a[:2])}"
        for index, ((x, bits), (y, _)) in enumerate(zip(a[2], b[2])):
            unequal.add(f"{what}, argument {index + 1}", x, y, bits)
        if a[3] is not None:
            unequal.add_memory(f"{what}: memory before it", a[3], b[3])
    if shipped_end.how == "returns":
        if returns:
            unequal.add("the result", shipped_end.value, ours_end.value, 32)
        for state, who in [(shipped, "shipped"), (ours, "ours")]:
            for name in KEPT:
                kept = unknown(f"kept.{name}", 32)
                unequal.add(f"register {name}, {who}", kept, state.get(name), 32)
            unequal.add(f"the direction flag, {who}", 1, state.get("dflag"), 32)
    elif shipped_end.how in (ELSEWHERE, PAUSED):
        unequal.add("the next entry", shipped_end.value, ours_end.value, 32)
    elif shipped_end.value != ours_end.value:
        words = [f"`{end.value[0]}' in {end.value[1]}" for end in (shipped_end, ours_end)]
        return found(solver, f"another assertion: {words[0]} against {words[1]}")
    unequal.add_memory("memory at the end", shipped.memory.content, ours.memory.content)
    return unequal.find(solver, world)


class Unequal:
    """Pairs of values that are not the same term."""

    def __init__(self):
        self.pairs = []

    def add(self, what, a, b, bits):
        equal = same(a, b, bits)
        if equal is not True:
            self.pairs.append((what, equal))

    def add_memory(self, what, a, b):
        if a.keys() != b.keys():
            self.pairs.append((f"{what}: what is there", False))
            return
        done = set()
        for address, byte in a.items():
            other = b[address]
            if byte is other or address in done:
                continue
            value, index, size = byte
            start = address - index
            if whole(a, start, size) and whole(b, start, size):
                done.update(range(start, start + size))
                self.add((what, start), value, b[start][0], 8 * size)
            else:
                self.add((what, address), byte_of(byte), byte_of(other), 8)

    def find(self, solver, world):
        if not self.pairs:
            return None
        conditions = [condition(opposite(equal)) for _, equal in self.pairs]
        solver.solver.push()
        either = z3.Or(conditions) if len(conditions) > 1 else conditions[0]
        solver.solver.add(either)
        difference = None
        if solver.check():
            model = solver.solver.model()
            names = [what if isinstance(what, str) else f"{what[0]}: {world.entry_name(what[1])}"
                     for (what, _), c in zip(self.pairs, conditions)
                     if z3.is_true(model.eval(c, model_completion=True))]
            difference = Difference("; ".join(names[:4]), model)
        solver.solver.pop()
        return difference


def whole(memory, start, size):
    """Whether the bytes are one value, as it was written."""
    value = memory.get(start, (None,))[0]
    return all(start + index in memory and memory[start + index][0] is value
               and memory[start + index][1:] == (index, size) for index in range(size))


def byte_of(byte):
    value, index, _ = byte
    return part(value, 8 * index, 8)


def found(solver, what):
    """A difference in every state of these two paths."""
    return Difference(what, solver.model)
