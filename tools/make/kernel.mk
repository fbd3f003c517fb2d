# SPDX-License-Identifier: GPL-2.0-or-later
# What is made for one kernel, Debian's or the file that KERNEL names. It lies in a folder of that kernel's content, and
# tools/for-kernel.sh, not make, knows what is up to date: by what a thing was made from, not by times.

FLAVOURS := 486-smp 486-up 486-pae xen-486 amd64-smp amd64-up

# What cannot be done is refused here, before anything is compiled.
$(foreach name,SMP REPEATS CASES $(if $(REACH),REACH),$(if $(shell case '$($(name))' in ('' | 0* | *[!0-9]*) echo bad ;; esac),\
	$(error $(name)=$($(name)): it is a number from 1 on)))
ifeq ($(origin KERNEL),file)
ifeq ($(filter trixie sid,$(SUITE)),)
$(error SUITE=$(SUITE): it is trixie or sid)
endif
ifeq ($(filter $(FLAVOURS),$(FLAVOUR)),)
$(error FLAVOUR=$(FLAVOUR): it is one of $(FLAVOURS))
endif
ifneq ($(filter amd64-%,$(FLAVOUR)),)
for-i386 := $(filter defects window fuzz fuzz-test fuzz-wrong prove prove-test prove-wrong,$(MAKECMDGOALS))
$(if $(for-i386),$(error make $(for-i386): not for $(FLAVOUR), but for i386 alone so far. For amd64 there are make fetch, layout, \
	object, graft, run, oracle, bench and storm-wrong, and the build of a tree with make patch))
endif
ifneq ($(filter xen-%,$(FLAVOUR)),)
boots := $(filter run defects window fuzz fuzz-test fuzz-wrong storm-wrong $(if $(STORMS),bench),$(MAKECMDGOALS))
$(if $(boots),$(error make $(boots): $(FLAVOUR) boots only as a guest of Xen, and QEMU is no Xen; make object, graft, oracle and \
	reach work for it))
endif
endif

.PHONY: kernel fetch layout for-kernel object graft run check-object oracle reach oracle-wrong oracle-test bench budget \
	storm-wrong

# The folder with all of it, or a thing in it, brought up to date: the words of tools/for-kernel.sh. With CALLERS=1 those for
# the callers as well; with SOUND=1 in the form that has no bad schedule.
made = $$(VMTOOL='$(VMTOOL)' tools/for-kernel.sh $(or $(if $(SOUND),$(with-sound-$(1))),$(if $(CALLERS),$(with-callers-$(1))),$(1)) \
	'$(KERNEL)')
with-sound-object := counting-sound-object
with-sound-graft := counting-sound-graft
with-sound-plain-object := sound-object
with-sound-plain-graft := sound-graft
with-callers-object := counting-callers-object
with-callers-graft := counting-callers-graft
with-callers-plain-object := callers-object
with-callers-plain-graft := callers-graft
$(if $(filter-out 1,$(CALLERS)),$(error CALLERS=$(CALLERS): it is 1, or left out))
$(if $(filter-out 1,$(SOUND)),$(error SOUND=$(SOUND): it is 1, or left out))

ifeq ($(origin KERNEL),file)
kernel: $(if $(wildcard $(KERNEL)),,packages-run)
	@tools/fetch-kernel.sh $(SUITE) $(FLAVOUR)
else
kernel:
	@[ -f '$(KERNEL)' ] || { echo "make: no kernel $(KERNEL)" >&2; exit 2; }
endif

## make fetch      Debian's kernel of SUITE and FLAVOUR
## make layout     for that kernel, or KERNEL=file: its structures as a C header; the path of it is printed
## make object     the object with our functions for it, likewise; with counters
## make graft      that kernel with our functions in it, likewise
fetch: kernel
	@echo '$(KERNEL)'
layout: kernel vmtool
object graft: for-kernel
layout object graft:
	@made=$(call made,$@) && echo "$$made"
for-kernel: kernel packages-kernel vmtool

# The storm for the kernel's machine, by the file's e_machine.
is-i386 = [ "$$(od -An -tx1 -j18 -N2 '$(KERNEL)' 2>/dev/null | tr -d ' ')" != 3e00 ]
storm-for = $(STORM)$$($(is-i386) || echo -64)

# What KERNEL=file may not be for; FLAVOUR was refused above.
.PHONY: of-i386
of-i386:
	@$(is-i386) || { echo "make: $(KERNEL) is for x86_64, and make $(MAKECMDGOALS) is for i386 alone so far" >&2; exit 2; }
defects window fuzz fuzz-test fuzz-wrong prove prove-test prove-wrong: of-i386

run: for-kernel packages-run storm
	@rust=$(call made,graft) && $(VMTOOL) run --stock '$(KERNEL)' --rust "$$rust" --storm $(storm-for) \
		--repeats $(REPEATS) --smp $(SMP) --options '$(words-for-$(if $(SOUND),sound)) $(WORDS)' \
		--logs "$${rust%/*}/logs" --title "$(title)"
# Those wire fresh memory with the map locked, but where little is free.
words-for-sound := load=a+short+b+maps+wired
comma := ,
title = GNU Mach $(if $(filter file,$(origin KERNEL)),$$(cat $(dir $(KERNEL))VERSION),$(KERNEL))$(if $(SOUND),$(comma) sound,$(if $(CALLERS),$(comma) with the callers))

# The object as it is for users, without counters, against the kernel's machine code; and the one with them.
check-object: for-kernel
	@plain=$(call made,plain-object) && object=$(call made,object) && for made in "$$plain" "$$object"; do \
		$(VMTOOL) layout '$(KERNEL)' --check "$$made" && $(VMTOOL) object "$$made" || exit; done

$(ORACLE): packages-kernel FORCE
	@$(call unless-there,$(RUN_CARGO) build --quiet --locked $(TARGET) -p oracle)

seed = $(if $(SEED),--seed $(SEED))

## make oracle     compare CASES calls with the machine code of the kernel; REACH=cases: and which branches the first of them saw
oracle: $(ORACLE) for-kernel
	@object=$(call made,plain-object) && $(ORACLE) --kernel '$(KERNEL)' --object "$$object" --cases $(CASES) $(seed) \
		$(if $(REACH),--reach tests/oracle/unreachable.toml --reach-cases $(REACH))
reach: $(ORACLE) for-kernel
	@object=$(call made,plain-object) && $(ORACLE) --kernel '$(KERNEL)' --object "$$object" --cases $(CASES) $(seed) \
		--reach tests/oracle/unreachable.toml
oracle-wrong: $(ORACLE) for-kernel
	@header=$(call made,layout) && object=$(call made,plain-object) && \
	$(ORACLE) --kernel '$(KERNEL)' --object "$$object" --headers "$${header%/*}" --seed 1 \
		--wrong $(or $(LISTS),tests/wrong) $(if $(LISTS),--work "$${header%/include/*}/wrong-versions")
oracle-test: $(ORACLE) for-kernel
	@header=$(call made,layout) && object=$(call made,plain-object) && \
	ORACLE_KERNEL=$$(realpath '$(KERNEL)') ORACLE_OBJECT=$$(realpath "$$object") ORACLE_HEADERS=$$(realpath "$${header%/*}") \
		$(RUN_CARGO) test --quiet --locked $(TARGET) -p oracle -p oracle-play

## make bench      what our functions cost beside the shipped ones: tables, and build/bench/report.html
##                 STORMS=10: calls a second in the kernel too, over so many pairs of boots; PAGE=docs/bench.md: the page
bench: $(ORACLE) for-kernel $(if $(STORMS),storm)
	@mkdir -p build/bench
	@rust=$(call made,plain-graft) && folder=$(call made,folder) && name=$${folder##*/} && \
	$(ORACLE) bench measure --kernel '$(KERNEL)' --object "$${rust%/*}/vm_map.o" --grafted "$$rust" --name "$$name" \
		--save "build/bench/$$name.toml" && object=$(call made,callers-object) && \
	$(ORACLE) bench measure --kernel '$(KERNEL)' --object "$$object" --name "$$name" \
		--save "build/bench/callers-$$name.toml" && object=$(call made,sound-object) && \
	$(ORACLE) bench measure --kernel '$(KERNEL)' --object "$$object" --name "$$name" \
		--save "build/bench/sound-$$name.toml" $(if $(STORMS),&& \
	$(ORACLE) bench storms --stock '$(KERNEL)' --grafted "$$rust" --storm $(storm-for) --vmtool $(VMTOOL) --pairs $(STORMS) \
		--name "$$name" --logs "$$folder/bench-logs" --save "build/bench/storms-$$name.toml")
	@$(ORACLE) bench report $$(ls build/bench/*.toml | grep -v -e /storms- -e /callers- -e /sound-) \
		$$(ls build/bench/callers-*.toml | sed 's/^/--callers /') \
		$$(ls build/bench/sound-*.toml | sed 's/^/--sound /') \
		$$(ls build/bench/storms-*.toml 2>/dev/null | sed 's/^/--storms /') -o build/bench/report.html \
		$(if $(PAGE),--page '$(PAGE)' --of "$$(date +%F)$$(git describe --always --dirty 2>/dev/null | sed 's/^/, commit /')")

budget: $(ORACLE) for-kernel
	@object=$(call made,plain-object) && \
	$(ORACLE) bench budget --kernel '$(KERNEL)' --object "$$object" --budget tests/oracle/budget.toml && \
	tests/oracle/budget-fails.sh $(ORACLE) '$(KERNEL)' "$$object" not-judged && \
	object=$(call made,callers-object) && \
	$(ORACLE) bench budget --kernel '$(KERNEL)' --object "$$object" --budget tests/oracle/budget-callers.toml && \
	tests/oracle/budget-fails.sh $(ORACLE) '$(KERNEL)' "$$object"

storm-wrong: for-kernel packages-run storm
	@header=$(call made,layout) && \
	$(VMTOOL) wrong --storms --kernel '$(KERNEL)' --headers "$${header%/*}" --storm $(storm-for) --smp $(SMP) $(WRONG)
