# SPDX-License-Identifier: GPL-2.0-or-later
"""What ends a proof without a result: something that was not understood."""


class NotUnderstood(Exception):
    """The machine code does what the model has no meaning for. No proof."""


class Unset(NotUnderstood):
    """A byte was read that nobody ever set."""


class Stray(NotUnderstood):
    """A store outside of what the functions may change."""


class Endless(NotUnderstood):
    """A path that is longer than any that ends."""
