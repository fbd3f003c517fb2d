# SPDX-License-Identifier: GPL-2.0-or-later
"""A map of any number of entries, seen through a window on one of them."""

import z3

from machine import Ended
from values import intern, remembered, same, unknown
from world import World

# The entry that a scan begins at, and the one that a walk stands at if it has left that.
START, CURSOR = unknown("start", 32), unknown("cursor", 32)


ELSEWHERE = "looks into another entry"


class Elsewhere(Ended):
    """The path looks into another entry than the one that is there."""

    def __init__(self, pointer):
        super().__init__(ELSEWHERE, pointer)


class Window(World):
    """The map, and the entry at the address that `cursor` is."""

    def __init__(self, image, cursor=START, entries=1):
        super().__init__(image, entries)
        self.cursor = cursor
        self.here = self.entries[0]
        self.names = {self.here: "entry"}

    def first_memory(self, state):
        """Nothing at all is known of map and entry: others may have been at them."""
        memory = state.memory
        self.fill(memory, self.map, "vm_map", "map")
        self.fill(memory, self.here, "vm_map_entry", "entry")
        return self.surroundings(memory)

    def conditions(self):
        """Where a walk looks is no header: it asked, or else it is taken to look into that."""
        return [self.cursor != self.header, START != self.header]

    def place(self, state, address):
        """Where a pointer leads, if it is an entry's or the header's."""
        if z3.is_bool(address) or address.size() != 32:
            return None
        pointer, offset = split(address)
        if pointer is None or offset >= self.entry_size:
            return None
        if pointer is self.cursor:
            return self.here + offset
        if not self.leads_to_entries(pointer):
            return None
        if state.choose(same(pointer, self.header, 32)):
            return self.header + offset
        return self.other(state, pointer) + offset

    def leads_to_entries(self, pointer):
        """The map's links, and the entries', lead to entries and to the header."""
        return pointer is START or str(pointer).endswith(("links.next", "links.prev"))

    def other(self, _state, pointer):
        """Where an entry lies that is not the one that is there."""
        raise Elsewhere(pointer)


@remembered
def split(value):
    """(variable, offset) of a sum of the two, else (None, 0)."""
    if z3.is_const(value) and not z3.is_bv_value(value):
        return value, 0
    if z3.is_app_of(value, z3.Z3_OP_BADD) and value.num_args() == 2:
        offset, pointer = value.children()
        if z3.is_bv_value(offset) and z3.is_const(pointer):
            return intern(pointer), offset.as_long()
    return None, 0


@remembered
def variables(value):
    """The names of all unknowns in a term."""
    if z3.is_const(value):
        return frozenset([str(value)])
    inner = [child for child in value.children() if not is_number(child)]
    return frozenset().union(*[variables(intern(child)) for child in inner])


def is_number(value):
    """Such ones are no terms here, and are not to be found as one."""
    return z3.is_bv_value(value) or z3.is_true(value) or z3.is_false(value)
