# SPDX-License-Identifier: GPL-2.0-or-later
# The hosted tests as C programs of other kinds.

##
## make harness-sanitized   the hosted tests under AddressSanitizer and UBSan, the callers' too
## make harness-32          the same tests as a 32-bit program: without, and with both
.PHONY: harness-sanitized harness-32
harness-sanitized: $(LIBRARY_WITH_CALLERS)
	@tools/harness.sh --sanitize --callers --library $(LIBRARY_WITH_CALLERS)

harness-32: packages-kernel
	@tools/install-packages.sh harness-32
	@tools/harness.sh --32
	@tools/harness.sh --32 --sanitize --callers
