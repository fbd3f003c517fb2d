# SPDX-License-Identifier: GPL-2.0-or-later
# Random VM calls, stock beside ours. See docs/fuzz.md.

FUZZ  := build/fuzz/fuzz
CALLS ?= 20000

.PHONY: fuzz fuzz-program
fuzz-program: packages-build
	@$(MAKE) --silent --no-print-directory -C tests/fuzz BUILD=../../build/fuzz

## make fuzz       random VM calls, stock beside ours: docs/fuzz.md. CALLS=20000 SEED=1; KNOWN=1: known defects too
##                 SEED=n CASE=n KEEP=list: one case again, told call by call
fuzz: for-kernel packages-run fuzz-program
	@rust=$(call made,plain-graft) && $(VMTOOL) fuzz --stock '$(KERNEL)' --rust "$$rust" --program $(FUZZ) \
		--calls $(CALLS) $(seed) $(if $(KNOWN),--known) $(if $(CASE),--case $(CASE)) $(if $(KEEP),--keep $(KEEP)) \
		--smp $(if $(filter file,$(origin SMP)),1,$(SMP)) --banner-timeout 120 --timeout 7200 --logs "$${rust%/*}/fuzz-logs" \
		--replay 'make fuzz $(fuzz-kernel)' --title "$(title)"
fuzz-kernel = $(if $(filter file,$(origin KERNEL)),SUITE=$(SUITE) FLAVOUR=$(FLAVOUR),KERNEL=$(KERNEL))
