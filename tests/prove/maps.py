# SPDX-License-Identifier: GPL-2.0-or-later
"""The calls that are proved: which maps, from which entry, under which conditions."""

from itertools import permutations, product

import z3

from callees import Callees
from others import Nobody, Others
from state import State
from values import unknown
from world import World

BLACK = 1
COALESCE, SCAN = "vm_map_coalesce_entry", "vm_map_pageable_scan"


class Case:
    """One call on one map of so many entries."""

    def __init__(self, image, function, entries, position, shape=None, others=False, part=None,
                 strangers=0):
        self.image = image
        self.function = function
        self.world = World(image, entries, strangers)
        ring = [*self.world.entries, self.world.header]
        self.entry = ring[position]
        self.position = position
        self.shape = shape
        # With (number, bits): of the states, those with these answers to the questions below.
        self.part = part
        self.others = Others(self.world) if others else Nobody()

    def callees(self):
        """What becomes of the calls that it makes."""
        return Callees(self.world, self.others)

    @property
    def returns(self):
        """Whether what it returns means something."""
        return self.function == COALESCE

    @property
    def name(self):
        where = "the header" if self.entry == self.world.header else f"e{self.position}"
        shape = f", gap tree {self.shape}" if self.shape else ""
        part = f", part {self.part[0]}" if self.part else ""
        others = "" if isinstance(self.others, Nobody) else ", and other CPUs"
        others += f", {len(self.world.strangers)} new" if self.world.strangers else ""
        entries = len(self.world.entries)
        return f"{self.function} of {where} in {entries} entries{shape}{part}{others}"

    def start(self, side):
        """The first state of a side, and the conditions on it."""
        state = State(self.world, side)
        conditions = self.world.first_memory(state)
        if self.function == SCAN:
            conditions += self.in_order(state) + self.in_part(state)
            arguments = [self.world.map, self.entry, unknown("end", 32)]
        else:
            conditions += self.gaps(state)
            arguments = [self.world.map, self.entry]
        if side == "shipped" and self.function == SCAN:
            # gcc's convention for a static function.
            arguments = dict(zip(("eax", "edx", "ecx"), arguments))
        self.world.first_registers(state, arguments)
        return state, conditions

    def enter(self, machine, state):
        """Puts the state at the function's beginning."""
        machine.start(state, self.address(state.side))

    def address(self, side):
        return self.image.ours[self.function] if side == "ours" else \
            self.image.symbols[self.function]

    def limit(self, state, entry, which):
        return state.memory.read(entry + self.image.byte("vm_map_entry", f"links.{which}"), 4)

    def in_order(self, state):
        """Entries are not empty, and none begins before the one before it ends."""
        entries = self.world.entries
        conditions = [z3.ULT(self.limit(state, e, "start"), self.limit(state, e, "end"))
                      for e in entries]
        conditions += [z3.ULE(self.limit(state, a, "end"), self.limit(state, b, "start"))
                       for a, b in zip(entries, entries[1:])]
        return conditions

    def in_part(self, state):
        """Splits the work: whose pmap it is, and whether each entry is wired. All parts together
        are all states."""
        if self.part is None:
            return []
        number, bits = self.part
        memory, image = state.memory, self.image
        pmap = memory.read(self.world.map + image.byte("vm_map", "pmap"), 4)
        questions = [pmap == memory.read(image.place["kernel_pmap"], 4)]
        for entry in self.world.entries:
            questions.append(memory.read(entry + image.byte("vm_map_entry", "wired_count"), 2) == 0)
        return [question if number >> bit & 1 else z3.Not(question)
                for bit, question in enumerate(questions[:bits])]

    def gaps(self, state):
        """The gap tree has this shape. Who is to leave it says rightly whether he is in it."""
        world, memory = self.world, state.memory
        shape = self.shape or Shape()
        numbers = {entry: number for number, entry in enumerate(world.entries)}
        node = self.image.byte("vm_map_entry", "gap_node")

        def at(number):
            return world.entries[number] + node if number is not None else 0

        world.set_member(memory, world.map, "vm_map", "hdr.gap_tree", at(shape.root))
        for number, (parent, color, left, right) in shape.nodes.items():
            for offset, value in [(0, at(parent) | color), (4, at(left)), (8, at(right))]:
                memory.write(at(number) + offset, 4, value)
        list_at = self.image.byte("vm_map_entry", "gap_list")
        for members in shape.lists.values():
            places = [world.entries[number] + list_at for number in members]
            for index, place in enumerate(places):
                memory.write(place, 4, places[index - 1])
                memory.write(place + 4, 4, places[(index + 1) % len(places)])
        if self.entry not in numbers:
            return []
        number = numbers[self.entry]
        size = memory.read(self.entry + self.image.byte("vm_map_entry", "gap_size"), 4)
        if number in shape.nodes or any(number in m for m in shape.lists.values()):
            world.set_bit(memory, self.entry, "in_gap_tree", int(number in shape.nodes))
            return [size != 0]
        return [size == 0]


class Shape:
    """A gap tree: its nodes (parent, color, left, right), and the list of each."""

    def __init__(self, tree=None, lists=None):
        self.nodes, self.lists = {}, lists or {}
        self.root = self.place(tree, None)

    def place(self, tree, parent):
        if tree is None:
            return None
        number, color, left, right = tree
        self.nodes[number] = None
        self.nodes[number] = (parent, color, self.place(left, number), self.place(right, number))
        return number

    def __str__(self):
        def text(number):
            if number is None:
                return "-"
            _, color, left, right = self.nodes[number]
            others = "".join(f"+e{n}" for n in self.lists[number][1:])
            below = f"({text(left)} {text(right)})" if left is not None or right is not None else ""
            return f"{'b' if color == BLACK else 'r'}e{number}{others}{below}"
        return text(self.root)


def trees(nodes):
    """Every red-black tree of so many nodes (three at most), as nested (place, color, ..)."""
    if nodes == 0:
        return [None]
    if nodes == 1:
        return [(0, BLACK, None, None)]
    if nodes == 2:
        return [(0, BLACK, (1, 0, None, None), None), (0, BLACK, None, (1, 0, None, None))]
    return [(0, BLACK, (1, color, None, None), (2, color, None, None)) for color in (0, BLACK)]


def rename(tree, names):
    if tree is None:
        return None
    number, color, left, right = tree
    return (names[number], color, rename(left, names), rename(right, names))


def shapes(entries):
    """Every gap tree of some of these entries: in it, on a list of it, or in neither."""
    for heads in range(min(len(entries), 3) + 1):
        for chosen in permutations(entries, heads):
            rest = [entry for entry in entries if entry not in chosen]
            for groups in product(range(-1, heads), repeat=len(rest)):
                members = [[e for e, g in zip(rest, groups) if g == head]
                           for head in range(heads)]
                for order in product(*[list(permutations(m)) for m in members]):
                    lists = {head: [head, *more] for head, more in zip(chosen, order)}
                    for tree in trees(heads):
                        yield Shape(rename(tree, chosen), lists)


def coalesces(image, entries):
    """Each entry and the header; where there is one before it, with every gap tree that it is
    not in: who is in it has a gap behind him, which ends the call before anything looks there."""
    cases = [Case(image, COALESCE, entries, 0), Case(image, COALESCE, entries, entries)]
    for position in range(1, entries):
        others = [number for number in range(entries) if number != position - 1]
        for shape in shapes(others):
            cases.append(Case(image, COALESCE, entries, position, shape))
    return cases


def scans(image, entries, others=False, strangers=0):
    """From each entry and from the header; `strangers` are entries that others may link in."""
    cases = []
    for position in range(entries + 1):
        bits = min(entries - position, 3) + 1 if position < entries else 0
        for number in range(1 << bits):
            part = (number, bits) if bits else None
            cases.append(Case(image, SCAN, entries, position, None, others, part, strangers))
    return cases
