# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls of functions that are proved equal by themselves: the clips, the coalesce, the scan; and of the lookup.

Whoever calls one, it is one call in the comparison, with the same arguments and the same memory; what
it does to the map is anything, the same on both sides. Ours has functions of its own for them, with
conventions that the compiler chose: `Inner` says how their arguments are found, and the cases of
`inner.py` show that called so they do what the shipped functions do.
"""

import re

from callees import Callees
from errors import NotUnderstood
from values import known, same, settle, unknown

# The limits of a map do not change.
LIMITS = ("hdr.links.start", "hdr.links.end")
FOUND, AGAIN = unknown("found", 32), unknown("again", 32)
CLIP_START, CLIP_END, COALESCE, SCAN, LOOKUP = "clip start", "clip end", "coalesce", "scan", "lookup"
SHIPPED = {"_vm_map_clip_start": CLIP_START, "_vm_map_clip_end": CLIP_END, "vm_map_coalesce_entry": COALESCE}
# By the ends of their mangled names.
INNER = {CLIP_START: r"4clip.*3MapN.*E11split_front$", CLIP_END: r"4clip.*3MapN.*E10split_back$",
         COALESCE: r"8coalesce13coalesce_pair$", SCAN: r"4scan13pageable_scan$"}


class Inner:
    """How a function of ours is called that has no C convention: the first two of (map, entry, address) in ecx and
    edx, the rest on the stack; the clips want the address of a pointer to the map, the scan that of a range."""

    def __init__(self, image, what):
        self.what = what
        found = [at for name, at in image.inner.items() if re.search(INNER[what], name)]
        # What was inlined everywhere is none.
        self.address = found[0] if len(found) == 1 else None

    def read(self, state):
        """(map, arguments, what of the stack is the callee's)."""
        ecx, edx = state.get("ecx"), state.get("edx")
        esp = state.get("esp")
        if self.what in (CLIP_START, CLIP_END):
            return self.on_stack(state, ecx, 0), [edx, state.argument(0)], [esp + 4, ecx]
        if self.what == COALESCE:
            return ecx, [edx], []
        return ecx, [self.on_stack(state, edx, 0), self.on_stack(state, edx, 4)], [edx, edx + 4]

    def on_stack(self, state, address, offset):
        world = state.world
        if not known(address) or not world.stack_start <= address + offset < world.stack_end - 3:
            raise NotUnderstood(f"our function for the {self.what} is called in another way")
        return state.stack.read(address + offset, 4)

    def place(self, state, map_, arguments):
        """The registers and the stack of such a call."""
        world = state.world
        spot = world.esp + 0x80
        if self.what in (CLIP_START, CLIP_END):
            state.stack.write(spot, 4, map_)
            state.stack.write(world.esp + 4, 4, arguments[1])
            return {"ecx": spot, "edx": arguments[0]}
        if self.what == COALESCE:
            return {"ecx": map_, "edx": arguments[0]}
        state.stack.write(spot, 4, arguments[0])
        state.stack.write(spot + 4, 4, arguments[1])
        return {"ecx": map_, "edx": spot}


class Contracts(Callees):
    def __init__(self, world, others):
        super().__init__(world, others)
        image = world.image
        self.contracts = {}
        for name, what in SHIPPED.items():
            theirs, ours = image.symbols[name], image.ours[name]
            for side, address in [("shipped", theirs), ("ours", theirs), ("ours", ours)]:
                self.contracts[side, address] = what, self.from_c(what)
        for side in ("shipped", "ours"):
            self.contracts[side, image.symbols["vm_map_pageable_scan"]] = SCAN, from_registers
        for what in INNER:
            inner = Inner(image, what)
            if inner.address:
                self.contracts["ours", inner.address] = what, inner.read
        self.lookup = image.symbols["vm_map_lookup_entry"]

    def from_c(self, what):
        """Of a C function."""
        def read(state):
            esp = state.get("esp")
            if what == COALESCE:
                return state.argument(0), [state.argument(1)], [esp + 4, esp + 8]
            header, entry, address, link_gap = [state.argument(index) for index in range(4)]
            if header != self.world.header or link_gap != 1:
                raise NotUnderstood(f"a {what} in what is no map")
            return self.world.map, [entry, address], [esp + 4 + 4 * index for index in range(4)]
        return read

    def enter(self, state, address):
        if address == self.lookup:
            return self.look_up(state)
        if (state.side, address) not in self.contracts:
            back = super().enter(state, address)
            if self.at.get(address) == "pmap_protect":
                state.pause = self.world.cursor
            return back
        what, read = self.contracts[state.side, address]
        map_, arguments, garbage = read(state)
        if map_ != self.world.map:
            raise NotUnderstood(f"a {what} in another map")
        back = self.back(state)
        if what == COALESCE and not self.touches(state, arguments[0]):
            # Then it does nothing at all, and nobody needs to call it.
            if address not in (self.world.image.symbols["vm_map_coalesce_entry"],
                               self.world.image.ours["vm_map_coalesce_entry"]):
                raise NotUnderstood("our coalesce of a pair is called where there is none")
            self.leave(state, garbage, back)
            return back
        label = self.note(state, what, arguments)
        self.change(state, label)
        self.leave(state, garbage, back)
        if what in (CLIP_START, CLIP_END):
            # What was read of the map before is of no use behind it. The next entry is, behind a coalesce.
            state.pause = self.world.cursor
        return back

    def back(self, state):
        if state.get("dflag") != 1 or state.others is not None:
            raise NotUnderstood("a call with the direction flag set, or without the map's lock")
        return state.choose(state.stack.read(state.get("esp"), 4))

    def note(self, state, what, arguments):
        values = [(argument, 32) for argument in arguments]
        state.events.append(("call", what, values, state.memory.content.copy()))
        state.calls += 1
        return f"{what}{state.calls - 1}"

    def touches(self, state, entry):
        """Whether an entry begins where the one before it ends."""
        world, links = self.world, self.image
        if state.choose(same(entry, world.header, 32)):
            return False
        before = state.load(plus(entry, links.byte("vm_map_entry", "links.prev")), 4)
        if state.choose(same(before, world.header, 32)):
            return False
        end = state.load(plus(before, links.byte("vm_map_entry", "links.end")), 4)
        start = state.load(plus(entry, links.byte("vm_map_entry", "links.start")), 4)
        return state.choose(same(end, start, 32))

    def change(self, state, label):
        """All of the map but its limits, and what is seen of its entries."""
        world = self.world
        things = [(world.map, "vm_map", "map")]
        things += [(entry, "vm_map_entry", who) for entry, who in world.names.items()]
        for base, structure, who in things:
            for offset, size, member in self.image.pieces(structure):
                if base + offset != world.hint_lock and (who != "map" or member not in LIMITS):
                    state.memory.write(base + offset, size, unknown(f"{label}.{who}.{member}", 8 * size))

    def leave(self, state, garbage, back, returned=None):
        """What the ABI lets a function change besides."""
        esp = state.get("esp")
        for address in [a for a in state.stack.content if a < esp + 4]:
            del state.stack.content[address]
        for address in garbage:
            state.stack.write(address, 4, state.fresh("argument", 32))
        state.put("eax", state.fresh("eax", 32) if returned is None else returned)
        for register in ("ecx", "edx", "cc_op", "cc_dep1", "cc_dep2", "cc_ndep"):
            state.put(register, state.fresh(register, 32))
        state.put("esp", esp + 4)
        assert back is not None

    def look_up(self, state):
        """Finds any entry or the header, and says that it covers the address or that it does not; moves the hint."""
        map_, address, to = [state.argument(index) for index in range(3)]
        world = self.world
        if map_ != world.map or not known(to) or not world.stack_start <= to < world.stack_end:
            raise NotUnderstood("a lookup in another map, or to elsewhere")
        if state.lookups == 2:
            raise NotUnderstood("a third lookup")
        back = self.back(state)
        esp = state.get("esp")
        header = state.choose(unknown(f"{LOOKUP}{state.lookups}.header", 1))
        self.note(state, LOOKUP, [map_, address])
        entry = world.header if header else (FOUND, AGAIN)[state.lookups]
        returned = unknown(f"{LOOKUP}{state.lookups}.returned", 32)
        state.memory.write(world.hint, 4, unknown(f"{LOOKUP}{state.lookups}.hint", 32))
        state.lookups += 1
        self.leave(state, [esp + 4, esp + 8, esp + 12], back, returned)
        state.stack.write(to, 4, entry)
        if not header:
            state.pause = entry
        return back


def from_registers(state):
    """gcc's convention for the scan, a static function."""
    return state.get("eax"), [state.get("edx"), state.get("ecx")], []


def plus(value, offset):
    return value + offset if known(value) else settle(value + offset)
