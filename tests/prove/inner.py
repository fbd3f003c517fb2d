# SPDX-License-Identifier: GPL-2.0-or-later
"""Our own functions behind the contracts, called as `Inner` says, beside the shipped functions they stand for."""

from callers import clips
from contracts import CLIP_END, CLIP_START, COALESCE, SCAN, Inner
from maps import Case, coalesces, scans
from values import same, unknown


class Within(Case):
    """A case of which our side begins at one of our own functions. What that returns is not asked for."""

    returns = False

    def __init__(self, base, what, arguments):
        self.__dict__.update(base.__dict__)
        self.base, self.what, self.inner_arguments = base, what, arguments
        self.inner = Inner(base.image, what)

    @property
    def name(self):
        return f"{self.base.name}, called from our own"

    def callees(self):
        return self.base.callees()

    def start(self, side):
        state, conditions = self.base.start(side)
        if self.what == COALESCE:
            end = self.limit(state, self.world.entries[self.position - 1], "end")
            conditions.append(same(end, self.limit(state, self.entry, "start"), 32))
        if side == "ours":
            for name, value in self.inner.place(state, self.world.map, self.inner_arguments).items():
                state.put(name, value)
        return state, conditions

    def address(self, side):
        return self.inner.address if side == "ours" else self.base.address(side)


def inner(image):
    """Of each function of ours that there is: for one entry, of the coalesce for two."""
    cases = []
    for case in clips(image, 1):
        if case.arguments[3] == 1:
            what = CLIP_START if case.function == "_vm_map_clip_start" else CLIP_END
            cases.append(Within(case, what, case.arguments[1:3]))
    cases += [Within(case, COALESCE, [case.entry]) for case in coalesces(image, 2) if case.position == 1]
    cases += [Within(case, SCAN, [case.entry, unknown("end", 32)]) for case in scans(image, 1)]
    return [case for case in cases if case.inner.address]
