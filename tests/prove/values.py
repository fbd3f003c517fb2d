# SPDX-License-Identifier: GPL-2.0-or-later
"""Values of machine words: a Python int where it is known, else a z3 term.

Conditions are Python bools or z3 Bools. Every term is simplified as it is made, so that what is
constant becomes an int, and what was made alike is often the same term.
"""

from functools import lru_cache

import z3


@lru_cache(maxsize=None)
def unknown(name, bits):
    """A value that nothing is known of. One name is one value, on both sides."""
    return z3.BitVec(name, bits)


def known(value):
    """Whether the value is a number and not a term."""
    return isinstance(value, int)


def settle(term):
    """The term simplified; an int or bool if it is constant."""
    term = z3.simplify(term)
    if z3.is_bv_value(term):
        return term.as_long()
    if z3.is_true(term):
        return True
    if z3.is_false(term):
        return False
    return term


def term(value, bits):
    """The value as a z3 term."""
    return z3.BitVecVal(value, bits) if known(value) else value


def condition(value):
    """The condition as a z3 term."""
    return z3.BoolVal(value) if isinstance(value, bool) else value


def part(value, low, bits):
    """`bits` bits of the value from bit `low` up."""
    if known(value):
        return value >> low & (1 << bits) - 1
    if low == 0 and value.size() == bits:
        return value
    return settle(z3.Extract(low + bits - 1, low, value))


def join(parts):
    """A value from (value, bits) pairs, the lowest first."""
    if all(known(value) for value, _ in parts):
        whole, at = 0, 0
        for value, bits in parts:
            whole, at = whole | value << at, at + bits
        return whole
    if len(parts) == 1:
        return parts[0][0]
    return settle(z3.Concat(*[term(value, bits) for value, bits in reversed(parts)]))


def same(a, b, bits):
    """Whether two values are equal: True, or a condition, or False."""
    if known(a) and known(b):
        return a == b
    if not known(a) and not known(b) and a.eq(b):
        return True
    return settle(term(a, bits) == term(b, bits))
