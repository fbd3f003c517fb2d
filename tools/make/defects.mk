# SPDX-License-Identifier: GPL-2.0-or-later
# Upstream's known defects, provoked on the stock kernel and on the grafted one. See docs/upstream.md.

DEFECTS := build/defects/defects

.PHONY: defects defects-program defects-schedules
defects-program: packages-build
	@$(MAKE) --silent --no-print-directory -C tests/defects BUILD=../../build/defects

## make defects    provoke upstream's known defects, stock beside ours: docs/upstream.md
##                 DEFECT="name ...": these alone; vmtool defects --names ... names them
##                 CALLERS=1, SOUND=1: ours with these; with SOUND=1 ours is to hold, where the list says so
# The list's expectations are of Debian's 486-smp; of any other kernel, stock and ours are only compared.
defects: for-kernel packages-run defects-program
	@rust=$(call made,plain-graft) && $(VMTOOL) defects --stock '$(KERNEL)' --rust "$$rust" --program $(DEFECTS) \
		$(if $(filter file-486-smp,$(origin KERNEL)-$(FLAVOUR)),--suite $(SUITE)) --repeats $(REPEATS) --smp $(SMP) --banner-timeout 120 --timeout 600 \
		$(quick-loader) $(if $(SOUND),--sound) --logs "$${rust%/*}/defect-logs" --title "$(title)" $(DEFECT)

# The schedules that the list names, and once a list that must fail.
defects-schedules: packages-build
	@$(RUN_CARGO) build --quiet --locked $(TARGET) -p interleavings
	@tests/defects/schedules.sh target/debug/interleavings
	@sed 's/^shows = ".*"/shows = "passes"/' tests/defects/defects.toml >build/defects-wrong.toml
	@! tests/defects/schedules.sh target/debug/interleavings build/defects-wrong.toml >/dev/null || \
		{ echo "a list that is wrong was taken for right" >&2; exit 1; }
