# SPDX-License-Identifier: GPL-2.0-or-later
# GNU Mach's VM map in Rust. `make help` lists the targets and their variables.

SUITE   ?= trixie
FLAVOUR ?= 486-smp
REPEATS ?= 1
# On two processors a fourth CPU takes three times as long: CPUs that wait for each other spin, and whom they wait for does not run.
SMP     ?= $(if $(filter 1 2 3,$(shell nproc)),3,4)
CASES   ?= 1000000
SEED    ?=
STEPS   ?=
# Those that make check boots; all that a storm can see, without a name.
WRONG   ?= never-marks does-not-relock no-wired-count-test gap-removal-skipped nentries-kept \
	hint-kept first-free-kept size-wired-kept coalesce-ignores-in-transition
CARGO   ?= cargo

ID      := $(SUITE)-$(FLAVOUR)
KERNEL  ?= $(or $(BUILD),build)/kernels/$(ID)/gnumach
VMTOOL  := target/debug/vmtool
STORM   := build/storm/storm
ORACLE  := target/debug/oracle
INTERLEAVINGS = $(RUN_CARGO) run --quiet --locked $(TARGET) -p interleavings $(if $(FEATURES)$(SOUND),--features '$(FEATURES) $(if $(SOUND),sound)') --
LIBRARY := build/lib/libgnumach_vm_map.a
LIBRARY_WITH_CALLERS := build/lib-with-callers/libgnumach_vm_map.a
HEADER  := build/include/vm/vm_map_rust.h
SOURCES := Cargo.toml Cargo.lock build.rs $(shell find src gnumach-headers c-shim -type f)

# What make or a path list would take apart is refused before anything is done.
$(if $(findstring :,$(CURDIR)),$(error the path of this folder has a colon, which ends a path in lists of them: move or rename it))
$(foreach name,GNUMACH IMAGE HURD OUT,$(if $(word 2,$($(name))),$(error \
	$(name)='$($(name))' has a space, at which make would take it apart: name a link to it whose path has none)))

# What install-packages.sh unpacks comes first; an ordinary user's PATH lacks the last two.
export PATH := $(or $(GNUMACH_TOOLS),$(CURDIR)/build/tools)/bin:$(PATH):/usr/sbin:/sbin
# Where a user's own settings would put what cargo builds, nothing here would find it.
unexport CARGO_TARGET_DIR CARGO_BUILD_TARGET_DIR
TARGET  := --target-dir target
# Under make -j cargo would take whatever it finds at the job server's descriptors, which are not handed to it, and may wait
# there for ever.
RUN_CARGO = env -u MAKEFLAGS -u MFLAGS $(CARGO)

.PHONY: all help lib check clean FORCE packages-build packages-kernel packages-run \
	vmtool storm harness interleavings picture patch integrate hurd

all: lib

help:
	@sed -n 's/^## \{0,1\}//p' $(MAKEFILE_LIST)
	@sed -n 's/^#= \{0,1\}//p' $(MAKEFILE_LIST)

##
## make            the static library for this machine, and its C header
## make run        boot Debian's SMP kernel, stock and with our functions, under load
## make check      every test; DEEP=1: and for hours more of some, tools/deep.txt
##
lib: $(LIBRARY) $(HEADER)

# As in the profile release, but in the folder of the profile dev: bindgen and what else its build takes is compiled once for
# the library and for the host programs. rustc is told, as cargo would do the same to the build script.
RELEASE := opt-level=2 debuginfo=1 debug-assertions=off overflow-checks=off
$(LIBRARY) $(LIBRARY_WITH_CALLERS): $(SOURCES) | packages-build
	$(RUN_CARGO) rustc --quiet --locked $(TARGET) --lib --crate-type staticlib --features panic-handler$(if $(filter $@,$(LIBRARY_WITH_CALLERS)),$(comma)callers) \
		--config 'profile.dev.panic="abort"' -- $(RELEASE:%=-C %)
	@mkdir -p $(@D)
	@cp target/debug/libgnumach_vm_map.a $@

$(HEADER): gnumach-headers/vm/vm_map_rust.h
	@mkdir -p $(@D)
	@cp $< $@

# The makes of the steps of a whole `make check` are told on their command line that packages and programs are there: nobody
# looks for them again, or waits for the cargo of another step to do so.
unless-there = $(if $(filter command,$(origin ALL_IS_THERE)),:,$(1))
packages-build:
	@$(call unless-there,tools/install-packages.sh build cargo)
packages-kernel:
	@$(call unless-there,tools/install-packages.sh build cargo kernel-build)
packages-run:
	@$(call unless-there,tools/install-packages.sh build cargo kernel-build run)

vmtool: packages-build
	@$(call unless-there,$(RUN_CARGO) build --quiet $(TARGET) -p vmtool)
storm: packages-build
	@$(MAKE) --silent --no-print-directory -C tests/storm BUILD=../../build/storm

## make harness    the hosted tests as a C program, build/harness
harness: build/harness
	@build/harness

build/harness: $(LIBRARY) $(wildcard c-shim/hosted/*.[ch] tests/*.[ch])
	@$(CC) -O1 -g -Wall -Wextra -DHARNESS_MAIN -I gnumach-headers -I c-shim/hosted -I tests \
		$(wildcard c-shim/hosted/*.c tests/*.c) $(LIBRARY) -pthread -o $@

# With the Hurd tools' packages: their tests skip what is not installed.
check: packages-run
	@tools/install-packages.sh hurd harness-32
	@CARGO='$(CARGO)' MAKE='$(MAKE_COMMAND)$(if $(STEPS),, ALL_IS_THERE=1)' tools/check.sh $(STEPS)
	$(if $(DEEP),@VMTOOL=$(VMTOOL) tools/check.sh --table tools/deep.txt --limit 600 --logs build/check-deep)

## make patch      GNUMACH=tree [OUT=file]: a patch that lets that GNU Mach tree link our functions
## make integrate  GNUMACH=tree: apply it there
##                 STORM_TESTS=1 with either: the other patch, our storms as tests of the tree
##                 FIX=name or all with either: repairs of the tree's own C, each with a test (docs/patch.md)
patch integrate: $(if $(GNUMACH),vmtool)
	@[ -n "$(GNUMACH)" ] || { echo "make $@: say which tree: GNUMACH=folder" >&2; exit 2; }
	@$(VMTOOL) $@ $(GNUMACH) $(if $(STORM_TESTS),--storm) $(if $(FIX),--fix $(FIX)) $(if $(filter patch,$@),$(if $(OUT),-o $(OUT)))

## make interleavings  every schedule of the protocol; DEPTH=10: ten times as many random ones; SCENARIO=id, VERSION=name and
##                 SCHEDULE=A3B1 run one; FEATURES=protect-looks-again, or SOUND=1: of the module with
##                 that feature
## make picture    draw the deadlock from before the series, docs/deadlock.svg
interleavings: packages-build
	@$(INTERLEAVINGS) $(if $(DEPTH),--depth $(DEPTH)) $(if $(SCENARIO),--scenario $(SCENARIO)) \
		$(if $(VERSION),--version $(VERSION)) $(if $(SCHEDULE),--replay $(SCHEDULE))
picture: packages-build
	@$(INTERLEAVINGS) --scenario 1 --version before-series --picture docs/deadlock.svg

## make hurd       IMAGE=file (a disk image) or HURD=folder (servers and a RAM disk): boot the Hurd, KERNEL=
##                 or the grafted one of the flavour that it needs; CHECK=1: a scripted session, stock beside ours
HURD_FROM = $(if $(IMAGE),--image $(IMAGE),--directory $(HURD))
hurd: $(if $(IMAGE)$(HURD),vmtool)
	@[ -n "$(IMAGE)$(HURD)" ] || { echo "make hurd: say which Hurd: IMAGE=file or HURD=folder" >&2; exit 2; }
	@tools/install-packages.sh build cargo kernel-build run hurd
ifeq ($(origin KERNEL),file)
	@flavour=$$($(VMTOOL) hurd $(HURD_FROM) --need) && \
	said=$$($(MAKE) --silent --no-print-directory graft FLAVOUR=$$flavour) && \
	$(VMTOOL) hurd $(HURD_FROM) --kernel "$$(echo "$$said" | tail -n 1)" --smp $(SMP) $(if $(CHECK),\
		--check --stock build/kernels/$(SUITE)-$$flavour/gnumach --repeats $(REPEATS))
else
	@$(VMTOOL) hurd $(HURD_FROM) --kernel $(KERNEL) --smp $(SMP) $(if $(CHECK),--check --repeats $(REPEATS))
endif

# A file for each larger thing.
include $(wildcard tools/make/*.mk)

## make clean      remove everything that was built, fetched or unpacked
clean:
	rm -rf build target

#=
#= SUITE=trixie|sid FLAVOUR=486-smp|486-up|486-pae|xen-486: which of Debian's kernels (trixie 486-smp); for fetch,
#= layout, object, graft, run, oracle and bench amd64-smp|amd64-up too, and xen-486 does not boot here
#= KERNEL=file: another kernel with symbols and DWARF instead
#= REPEATS=1 SMP=4: storms or sessions on each kernel, and CPUs (3 if this machine has less than four)
#= WORDS="calls=2000 rounds=250": for the storm of make run (tests/storm/README.md)
#= CALLERS=1: with their callers in Rust as well (docs/callers.md): object, graft, run, hurd, defects, fuzz
#= CASES=1000000 SEED=: calls that the oracle compares, and what they are made from
#= STEPS="name ...": some steps of make check alone; tools/check.sh --list names them
