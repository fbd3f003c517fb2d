# SPDX-License-Identifier: GPL-2.0-or-later
# The hosted tests as C programs of other kinds.

##
## make harness-sanitized   the hosted tests under AddressSanitizer and UBSan
## make harness-32          the same tests as a 32-bit program, without and with them
.PHONY: harness-sanitized harness-32
harness-sanitized: $(LIBRARY)
	@tools/harness.sh --sanitize --library $(LIBRARY)

harness-32: packages-kernel
	@tools/install-packages.sh harness-32
	@tools/harness.sh --32
	@tools/harness.sh --32 --sanitize
