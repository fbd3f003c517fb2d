# SPDX-License-Identifier: GPL-2.0-or-later
"""The calls of the two functions' callers that are proved, on maps of few entries."""

import z3

from errors import NotUnderstood
from maps import BLACK, Case, shapes
from others import Nobody
from state import State
from values import unknown
from world import HELD, World

CLIPS = ("_vm_map_clip_start", "_vm_map_clip_end")


class Call(Case):
    """One call of a caller on one map of so many entries: with this tree of entries, as (place, left, right) from
    the root down, and this gap tree."""

    def __init__(self, image, function, entries, tree, shape, arguments, spare, what="", plain=False):
        super().__init__(image, function, entries, 0, shape)
        self.world = World(image, entries, spare=spare)
        self.world.follows_tree = True
        self.world.reads_freed = function == "vm_map_protect"
        self.plain = plain
        self.tree, self.what, self.arguments = tree, what, arguments(self.world)
        self.others = Nobody() if function in CLIPS else Locked(self.world)

    @property
    def returns(self):
        return self.function not in CLIPS

    @property
    def name(self):
        return f"{self.function}{self.what} in {len(self.world.entries)} entries, tree " \
               f"{words(self.tree)}, gap tree {self.shape}"

    def start(self, side):
        world = self.world
        state = State(world, side)
        conditions = world.first_memory(state) + self.in_order(state) + self.gaps(state)
        self.plant(state.memory)
        for entry in world.entries:
            world.set_bit(state.memory, entry, "is_sub_map", 0)
        hint = state.memory.read(world.hint, 4)
        conditions.append(z3.Or([hint == place for place in [world.header, *world.entries]]))
        if self.plain:
            conditions += self.few_paths(state)
        world.first_registers(state, self.arguments)
        if isinstance(self.others, Locked):
            self.others.begin(state)
        return state, conditions

    def few_paths(self, state):
        """What leaves out most paths, but no instruction of the callers: for states on the processor."""
        world, memory, image = self.world, state.memory, self.image

        def of_entry(entry, member, size=4):
            return memory.read(entry + image.byte("vm_map_entry", member), size)

        pmap = memory.read(world.map + image.byte("vm_map", "pmap"), 4)
        conditions = [HELD == 0, memory.read(world.hint, 4) == world.header,
                      pmap != memory.read(image.place["kernel_pmap"], 4),
                      memory.read(image.place["active_thread"], 4) != 0,
                      unknown("end", 32) != unknown("from", 32)]
        for entry in world.entries:
            for bit in ("in_transition", "is_shared", "needs_copy", "needs_wakeup"):
                world.set_bit(memory, entry, bit, 0)
            conditions += [of_entry(entry, "projected_on") == 0, of_entry(entry, "object.vm_object") != 0,
                           of_entry(entry, "wired_count", 2) == 0]
        return conditions

    def gaps(self, state):
        """The gap tree has this shape, and each entry says rightly whether he is in it."""
        self.entry = None
        conditions = super().gaps(state)
        world, shape = self.world, self.shape
        on_lists = {number for members in shape.lists.values() for number in members}
        for number, entry in enumerate(world.entries):
            size = state.memory.read(entry + self.image.byte("vm_map_entry", "gap_size"), 4)
            if number in shape.nodes or number in on_lists:
                world.set_bit(state.memory, entry, "in_gap_tree", int(number in shape.nodes))
                conditions.append(size != 0)
            else:
                conditions.append(size == 0)
        return conditions

    def plant(self, memory):
        """The tree of entries."""
        world = self.world
        node = self.image.byte("vm_map_entry", "tree_node")

        def plant(tree, parent, black):
            if tree is None:
                return 0
            number, left, right = tree
            at = world.entries[number] + node
            memory.write(at, 4, parent | (BLACK if black else 0))
            memory.write(at + 4, 4, plant(left, at, False))
            memory.write(at + 8, 4, plant(right, at, False))
            return at

        world.set_member(memory, world.map, "vm_map", "hdr.tree", plant(self.tree, 0, True))


class Locked(Nobody):
    """Nobody else is at the map, but nothing of it is read while it is not locked."""

    def __init__(self, world):
        self.world = world

    def begin(self, state):
        state.others = NotLocked(self.world)

    def after_call(self, state, name, label, written, marked):
        if name == "lock_write":
            state.others = None
        elif name == "lock_done":
            state.others = NotLocked(self.world)


class NotLocked:
    def __init__(self, world):
        self.world = world

    def copy(self):
        return self

    def note_read(self, _state, address, size):
        world = self.world
        if world.may_write(address, size) and address != world.privilege:
            raise NotUnderstood(f"{world.entry_name(address)} is read without the map's lock")


def words(tree):
    if tree is None:
        return "-"
    number, left, right = tree
    below = f"({words(left)} {words(right)})" if left or right else ""
    return f"e{number}{below}"


def trees(entries):
    """Every tree of up to three entries in order, one shape as red and black have it."""
    return {0: [None], 1: [(0, None, None)], 2: [(0, None, (1, None, None)), (1, (0, None, None), None)],
            3: [(1, (0, None, None), (2, None, None))]}[entries]


def worlds(entries):
    """Every tree with every gap tree."""
    return [(tree, shape) for tree in trees(entries) for shape in shapes(range(entries))]


def clips(image, entries):
    """Of each entry, at any address inside, in a map and in a copy, which has no gaps."""
    cases = []
    for function in CLIPS:
        for position in range(entries):
            for link_gap in (0, 1):
                def arguments(world, position=position, link_gap=link_gap):
                    return [world.header, world.entries[position], unknown("at", 32), link_gap]
                what = f" of e{position}{'' if link_gap else ', without gaps'}"
                for tree, shape in worlds(entries):
                    cases.append(Call(image, function, entries, tree, shape, arguments, 1, what))
    return cases


def inherits(image, entries, plain=False):
    """Any range, any inheritance."""
    def arguments(world):
        return [world.map, unknown("from", 32), unknown("end", 32), unknown("inheritance", 32)]
    return [Call(image, "vm_map_inherit", entries, tree, shape, arguments, 2, plain=plain)
            for tree, shape in worlds(entries)]


def protects(image, entries, plain=False):
    """Any range, any protection, current or maximum."""
    def arguments(world):
        return [world.map, unknown("from", 32), unknown("end", 32), unknown("protection", 32),
                unknown("set_max", 32)]
    return [Call(image, "vm_map_protect", entries, tree, shape, arguments, 2, plain=plain)
            for tree, shape in worlds(entries)]
