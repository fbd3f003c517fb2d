# SPDX-License-Identifier: GPL-2.0-or-later
# Upstream's known defects, provoked on the stock kernel and on the grafted one. See docs/upstream.md.

DEFECTS := build/defects/defects

.PHONY: defects defects-program
defects-program: packages-build
	@$(MAKE) --silent --no-print-directory -C tests/defects BUILD=$(CURDIR)/build/defects

## make defects    provoke upstream's known defects, stock beside ours: docs/upstream.md
##                 DEFECT="name ...": these alone; vmtool defects --names ... names them
defects: packages-run vmtool defects-program $(MADE)/plain/gnumach-rust
	@$(VMTOOL) defects --stock $(KERNEL) --rust $(MADE)/plain/gnumach-rust --program $(DEFECTS) \
		$(if $(filter file,$(origin KERNEL)),--suite $(SUITE)) --repeats $(REPEATS) --smp $(SMP) --banner-timeout 120 \
		--logs $(MADE)/defect-logs \
		--title "GNU Mach $$(cat $(dir $(KERNEL))VERSION 2>/dev/null || echo $(KERNEL))" $(DEFECT)
