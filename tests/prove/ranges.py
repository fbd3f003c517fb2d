# SPDX-License-Identifier: GPL-2.0-or-later
"""vm_map_inherit and vm_map_protect of any range of any map, by induction over the steps of their walks.

As in induction.py; but a walk sees two entries, the one that it stands at and the one before that, which
a coalesce asks of. The clips, the coalesce, the scan and the lookup are calls (contracts.py).
"""

from callers import Locked
from contracts import AGAIN, FOUND, Contracts
from induction import Walks
from maps import Case
from state import State
from values import unknown
from window import CURSOR, Elsewhere, Window
from world import KEPT

# What a walk begins at if the lookup found nothing.
BEGIN = unknown("begin", 32)
NAMED = (FOUND, AGAIN, BEGIN)
ARGUMENTS = {"vm_map_inherit": ["from", "end", "inheritance"],
             "vm_map_protect": ["from", "end", "protection", "set_max"]}


class Pair(Window):
    """The entry at the address that `cursor` is, and the one before it."""

    def __init__(self, image, cursor):
        super().__init__(image, cursor, 2)
        self.here, self.before = self.entries
        self.names = {self.here: "entry", self.before: "before"}

    def first_memory(self, state):
        self.fill(state.memory, self.before, "vm_map_entry", "before")
        return super().first_memory(state)

    def conditions(self):
        return [pointer != self.header for pointer in (self.cursor, *NAMED)]

    def leads_to_entries(self, pointer):
        return any(pointer is one for one in NAMED) or super().leads_to_entries(pointer)

    def other(self, state, pointer):
        # By the link as it is now, and no older one.
        if pointer is state.memory.read(self.here + self.image.byte("vm_map_entry", "links.prev"), 4):
            return self.before
        raise Elsewhere(pointer)


class Ranges(Walks):
    """A call for a range."""

    def __init__(self, image, function):
        Case.__init__(self, image, function, 1, 1)
        self.root, self.answers = self, ()
        self.world = self.window(FOUND)
        self.others = self.beside(self.world)
        self.arguments = [self.world.map, *[unknown(name, 32) for name in ARGUMENTS[function]]]
        self.rigid = {"found", "again", "begin", "lookup0.returned", "lookup1.returned", "active_thread", "map.hdr.links.start", "map.hdr.links.end",
                      *ARGUMENTS[function], *[f"kept.{name}" for name in KEPT]}

    @property
    def name(self):
        return f"{self.function} in any map"

    @property
    def returns(self):
        return True

    def callees(self):
        return Contracts(self.world, self.others)

    def start(self, side):
        state = State(self.world, side)
        conditions = self.world.first_memory(state) + self.world.conditions()
        self.world.first_registers(state, self.arguments)
        self.others.begin(state)
        return state, conditions

    def window(self, cursor):
        return Pair(self.image, cursor)

    def beside(self, world):
        return Locked(world)

    def callees_of(self, world, others):
        return Contracts(world, others)

    def cursor_for(self, pointer, is_first):
        if any(pointer is one for one in NAMED):
            return pointer
        return BEGIN if is_first else CURSOR


def ranges(image, function):
    return [Ranges(image, function)]
