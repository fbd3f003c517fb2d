# SPDX-License-Identifier: GPL-2.0-or-later
# GNU Mach's VM map in Rust. `make help` lists the targets and their variables.

SUITE   ?= trixie
FLAVOUR ?= 486-smp
REPEATS ?= 1
SMP     ?= 4
CARGO   ?= cargo

ID      := $(SUITE)-$(FLAVOUR)
KERNEL  ?= build/kernels/$(ID)/gnumach
OUT     := build/$(ID)
VMTOOL  := target/debug/vmtool
STORM   := build/storm/storm
LIBRARY := build/lib/libgnumach_vm_map.a
HEADER  := build/include/vm/vm_map_rust.h
SOURCES := Cargo.toml Cargo.lock build.rs $(shell find src gnumach-headers c-shim -type f)

# Where there is no cargo, Debian's serves for host code too.
HOST_PACKAGES := build $(if $(shell command -v $(CARGO)),,kernel-build)

.PHONY: all help lib run check clean FORCE packages-build packages-kernel packages-run \
	vmtool storm object graft harness

all: lib

help:
	@sed -n 's/^## \{0,1\}//p' $(MAKEFILE_LIST)

##
## make            the static library for this machine, and its C header
## make run        boot Debian's SMP kernel, stock and with our functions, under load
## make check      every test
##
lib: $(LIBRARY) $(HEADER)

$(LIBRARY): $(SOURCES) | packages-build
	$(CARGO) rustc --quiet --release --crate-type staticlib --features panic-handler
	@mkdir -p $(@D)
	@cp target/release/libgnumach_vm_map.a $@

$(HEADER): gnumach-headers/vm/vm_map_rust.h
	@mkdir -p $(@D)
	@cp $< $@

packages-build:
	@tools/install-packages.sh $(HOST_PACKAGES)
packages-kernel:
	@tools/install-packages.sh build kernel-build
packages-run:
	@tools/install-packages.sh build kernel-build run

vmtool: packages-build
	@$(CARGO) build --quiet -p vmtool
storm: packages-build
	@$(MAKE) --silent --no-print-directory -C tests/storm BUILD=$(CURDIR)/build/storm

# For a given kernel: its layouts, the object made for them, and the graft.
ifeq ($(origin KERNEL),file)
$(KERNEL): | packages-run
	@tools/fetch-kernel.sh $(SUITE) $(FLAVOUR)
endif

$(OUT)/include/structs.h: $(KERNEL) | vmtool
	@mkdir -p $(@D)
	@$(VMTOOL) layout $(KERNEL) -o $@

$(OUT)/vm_map.o: $(OUT)/include/structs.h $(SOURCES) | packages-kernel vmtool
	@tools/build-object.sh --headers $(OUT)/include --features counters $@
	@$(VMTOOL) layout $(KERNEL) --check $@
	@$(VMTOOL) object $@

$(OUT)/gnumach-rust: $(KERNEL) $(OUT)/vm_map.o | vmtool
	@$(VMTOOL) graft $(KERNEL) $(OUT)/vm_map.o -o $@

## make object     build/SUITE-FLAVOUR/vm_map.o, the object for a kernel
## make graft      build/SUITE-FLAVOUR/gnumach-rust, that kernel with our functions in it
object: $(OUT)/vm_map.o
graft: $(OUT)/gnumach-rust

run: packages-run storm $(OUT)/gnumach-rust
	@$(VMTOOL) run --stock $(KERNEL) --rust $(OUT)/gnumach-rust --storm $(STORM) \
		--repeats $(REPEATS) --smp $(SMP) --logs $(OUT)/logs \
		--title "GNU Mach $$(cat $(dir $(KERNEL))VERSION 2>/dev/null || echo $(KERNEL))"

## make clean      remove everything that was built; the fetched kernels too
clean:
	rm -rf build target

##
## SUITE=trixie|sid FLAVOUR=486-smp|486-up: which of Debian's kernels (trixie 486-smp)
## KERNEL=file: another kernel with symbols and DWARF instead
## REPEATS=1 SMP=4: storms on each kernel, and CPUs
