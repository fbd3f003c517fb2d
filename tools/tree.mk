# SPDX-License-Identifier: GPL-2.0-or-later
# Included by the Makefile of a GNU Mach tree that was configured --with-rust-vm-map: makes the object that its link takes.

vm_map_rust_tools := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
# Where cargo works; a folder of the build, unless one wants to share it between builds.
VM_MAP_RUST_WORK ?= rust-vm-map/work
# `counters` counts calls in vm_map_rust_counters. Nothing remakes the object when this changes.
VM_MAP_RUST_FEATURES ?=

# The tree's headers include generated ones, so these come first, once.
rust-vm-map/vm_map.o: | $(nodist_libkernel_a_SOURCES)
	$(AM_V_GEN)$(vm_map_rust_tools)/tree-object.sh --systype '$(systype)' --ld '$(LD)' --work '$(VM_MAP_RUST_WORK)' \
		--features '$(VM_MAP_RUST_FEATURES)' $@ -- $(COMPILE)

# What the object was made from: the tree's headers, and our sources.
-include rust-vm-map/vm_map.d

.PHONY: clean-rust-vm-map
clean: clean-rust-vm-map
clean-rust-vm-map:
	rm -rf rust-vm-map
