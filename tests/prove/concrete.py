# SPDX-License-Identifier: GPL-2.0-or-later
"""A pair of paths with numbers for all terms: a state for `oracle state`, and what to expect."""

import z3

from callers import Call
from maps import SCAN
from values import known
from world import HELD


class Numbers:
    """What a model makes of values."""

    def __init__(self, model):
        self.model = model
        # By a term's id; the term too, so that it stays and its id with it.
        self.seen = {}

    def of(self, value):
        if isinstance(value, (int, bool)):
            return value
        found = self.seen.get(value.get_id())
        if found is None:
            number = self.model.eval(value, model_completion=True)
            number = z3.is_true(number) if z3.is_bool(number) else number.as_long()
            found = self.seen[value.get_id()] = (number, value)
        return found[0]

    def bytes(self, content):
        """(address, bytes) for every run of set bytes."""
        runs = []
        for address in sorted(content):
            value, index, _ = content[address]
            byte = self.of(value) >> 8 * index & 0xFF
            if runs and runs[-1][0] + len(runs[-1][1]) == address:
                runs[-1][1].append(byte)
            else:
                runs.append((address, bytearray([byte])))
        return runs


def writes(runs):
    return "[" + ", ".join(f'[{address:#x}, "{data.hex()}"]' for address, data in runs) + "]"


def effects(numbers, state):
    """The state's effects in TOML."""
    lines = []
    for effect in state.effects:
        if effect is None:
            lines.append("  {},")
            continue
        returned, written = effect
        runs = [(address, numbers.of(value).to_bytes(size, "little"))
                for address, size, value in written]
        value = 0 if returned is None else numbers.of(returned)
        lines.append(f"  {{ returns = {value:#x}, writes = {writes(runs)} }},")
    return "[\n" + "\n".join(lines) + "\n]"


def call(case, numbers):
    """Which function is called, and with what."""
    if isinstance(case, Call):
        arguments = ", ".join(hex(numbers.of(argument)) for argument in case.arguments)
        return [f'caller = "{case.function}"', f"arguments = [{arguments}]"]
    end = numbers.of(z3.BitVec("end", 32)) if case.function == SCAN else 0
    scan = str(case.function == SCAN).lower()
    return [f"scan = {scan}", f"entry = {case.entry:#x}", f"end = {end:#x}"]


def state_text(name, pair):
    """The state as `oracle state` reads it."""
    case, numbers = pair.case, Numbers(pair.model)
    first, _ = case.start("shipped")
    lines = [
        "[[state]]",
        f'name = "{name}"',
        *call(case, numbers),
        f"entries = [{', '.join(hex(entry) for entry in case.world.entries)}]",
        f"arena_end = {case.world.arena_end:#x}",
        f"hold_hint = {str(bool(numbers.of(HELD))).lower()}",
        f"memory = {writes(numbers.bytes(first.memory.content))}",
        f"shipped = {effects(numbers, pair.shipped[0])}",
        f"ours = {effects(numbers, pair.ours[0])}",
    ]
    return "\n".join(lines) + "\n"


def expected(pair):
    """What each side must do in that state: how it ends, its calls, and bytes of memory."""
    numbers = Numbers(pair.model)
    sides = {}
    for side, (state, end) in [("shipped", pair.shipped), ("ours", pair.ours)]:
        if end.how == "returns":
            ended = numbers.of(end.value) if pair.case.returns else 0
        elif end.how == "Assert":
            ended = f"assertion `{end.value[0]}' in {end.value[1]}"
        else:
            ended = f"panic in {end.value[0]}: {end.value[1]}"
        calls = [[event[1], [numbers.of(value) for value, _ in event[2]]]
                 for event in state.events if event[0] == "call"]
        if not known(ended) and end.how == "Assert":
            calls.append(["Assert", []])
        elif not known(ended):
            calls.append(["Panic", []])
        sides[side] = (ended, calls, numbers.bytes(state.memory.content))
    return sides
