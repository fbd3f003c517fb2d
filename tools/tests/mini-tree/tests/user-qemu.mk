# SPDX-License-Identifier: GPL-2.0-or-later
# Stands for the rules of the user tests.

QEMU_OPTS = -m 64

tests/test-%.iso: tests/module-%
	cp $< $@

USER_TESTS := \
	tests/test-first \
	tests/test-last

check: $(USER_TESTS)
