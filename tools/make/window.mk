# SPDX-License-Identifier: GPL-2.0-or-later
# A moment of vm_object_copy_delayed, stretched, and what copies lose in it. See docs/hurd.md.

.PHONY: window
## make window     what a copy of shared memory loses while another is made, on the stock kernel with that moment stretched;
##                 and that it loses nothing with two stores of the kernel's in the other order
window: kernel packages-run defects-program
	@folder=$$(tools/for-kernel.sh folder '$(KERNEL)') && mkdir -p "$$folder" && \
	$(VMTOOL) window '$(KERNEL)' -o "$$folder/window-open" && \
	$(VMTOOL) window --closed '$(KERNEL)' -o "$$folder/window-closed" && \
	for side in open closed; do \
		$(VMTOOL) defects --stock "$$folder/window-$$side" --program $(DEFECTS) --list tests/defects/window.toml \
			--suite $$side --repeats $(REPEATS) --smp $(SMP) --banner-timeout 120 --logs "$$folder/window-logs/$$side" \
			--title "$(title), window $$side" || exit; \
	done
