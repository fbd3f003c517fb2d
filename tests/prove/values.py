# SPDX-License-Identifier: GPL-2.0-or-later
"""Values of machine words: a Python int where it is known, else a z3 term.

Conditions are Python bools or z3 Bools. Every term is simplified as it is made, so that what is
constant becomes an int, and what was made alike is the same object. What is computed of values
once is remembered: paths are many, but values are few.
"""

import z3

# Each term that there is, by z3's number for it. They stay, so that no number is given twice.
TERMS = {}
# And by its ident.
BY_IDENT = []


def intern(term):
    """The one object of the term; its `ident` tells it from every other."""
    known_already = TERMS.get(term.get_id())
    if known_already is None:
        term.ident = len(TERMS)
        BY_IDENT.append(term)
        TERMS[term.get_id()] = known_already = term
    return known_already


def key(value):
    """What tells the value from others of its width: ints are not negative."""
    return value if isinstance(value, int) else -1 - value.ident


def remembered(function):
    """The function, computed once for the same values. It is of values and names alone."""
    results = {}

    def ask(*arguments):
        asked = tuple([-1 - a.ident if isinstance(a, z3.ExprRef) else a for a in arguments])
        result = results.get(asked)
        if result is None:
            result = results[asked] = function(*arguments)
        return result

    return ask


@remembered
def unknown(name, bits):
    """A value that nothing is known of. One name is one value, on both sides."""
    return intern(z3.BitVec(name, bits))


def known(value):
    """Whether the value is a number and not a term."""
    return isinstance(value, int)


def settle(term):
    """The term simplified; an int or bool if it is constant."""
    term = z3.simplify(term)
    found = TERMS.get(term.get_id())
    if found is not None:
        return found
    if z3.is_bv_value(term):
        return term.as_long()
    if z3.is_true(term):
        return True
    if z3.is_false(term):
        return False
    return intern(term)


def term(value, bits):
    """The value as a z3 term."""
    return z3.BitVecVal(value, bits) if known(value) else value


def condition(value):
    """The condition as a z3 term."""
    return z3.BoolVal(value) if isinstance(value, bool) else value


@remembered
def opposite(value):
    """The condition that this one does not hold."""
    return not value if isinstance(value, bool) else settle(z3.Not(value))


def part(value, low, bits):
    """`bits` bits of the value from bit `low` up."""
    if known(value):
        return value >> low & (1 << bits) - 1
    return extract(value, low, bits)


@remembered
def extract(value, low, bits):
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
    return concatenate(*[field for pair in parts for field in pair])


@remembered
def concatenate(*fields):
    """Of values, each with its bits behind it, the lowest first."""
    pieces = [term(value, bits) for value, bits in zip(fields[::2], fields[1::2])]
    return settle(z3.Concat(*reversed(pieces)))


def same(a, b, bits):
    """Whether two values are equal: True, or a condition, or False."""
    if a is b:
        return True
    if known(a) and known(b):
        return a == b
    return equal(a, b, bits)


@remembered
def equal(a, b, bits):
    a, b = term(a, bits), term(b, bits)
    if z3.is_app_of(a, z3.Z3_OP_BADD) or z3.is_app_of(b, z3.Z3_OP_BADD):
        return sums_equal(settle(a - b))
    return settle(a == b)


def sums_equal(difference):
    """Whether a sum is 0. a == b + c and a - b == c are one condition, but z3 has two, and takes long
    to see it: so one summand is to equal the others, as the sum of these that came up first."""
    if known(difference):
        return difference == 0
    best = None
    for summand in difference.children() if z3.is_app_of(difference, z3.Z3_OP_BADD) else []:
        for one, others in [(summand, summand - difference), (-summand, difference - summand)]:
            one, others = z3.simplify(one), TERMS.get(z3.simplify(others).get_id())
            if z3.is_const(one) and not z3.is_bv_value(one) and others is not None:
                if best is None or others.ident < best[1].ident:
                    best = one, others
    return settle(difference == 0 if best is None else best[0] == best[1])
