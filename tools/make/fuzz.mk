# SPDX-License-Identifier: GPL-2.0-or-later
# Random VM calls, stock beside ours. See docs/fuzz.md.

FUZZ  := build/fuzz/fuzz
CALLS ?= 20000
# Of a case.
THREADS ?= 1
ifneq ($(FIXED),)
ifneq ($(filter undefined file,$(origin KERNEL)),)
$(error FIXED=1 is for a kernel that has our C fixes: name it, with KERNEL=file)
endif
ifneq ($(SOUND)$(CALLERS),)
$(error FIXED=1 runs a kernel as it is: without SOUND and CALLERS)
endif
endif
# One thread is quickest on one CPU.
fuzz-smp = $(if $(filter file1,$(origin SMP)$(THREADS)),1,$(SMP))
# GRUB takes longer to load a kernel than a short case takes to play; trixie's kernels want it.
quick-loader = $(if $(filter file-sid-486-smp,$(origin KERNEL)-$(SUITE)-$(FLAVOUR)),--loader direct)

.PHONY: fuzz fuzz-program
fuzz-program: packages-build
	@$(MAKE) --silent --no-print-directory -C tests/fuzz BUILD=../../build/fuzz

## make fuzz       random VM calls, stock beside ours: docs/fuzz.md. CALLS=20000 SEED=1; KNOWN=1: known defects too
##                 PRIVILEGED=1: with vm_wire_all, and wiring through the privileged port
##                 THREADS=5: of several threads of a task; nothing is compared then. MEMORY=24M: little memory
##                 CALLERS=1: ours with these; SOUND=1: in that form, beside the model alone
##                 FIXED=1 KERNEL=file: a kernel with our C fixes, as it is, beside the model
##                 SEED=n CASE=n KEEP=list: one case again, told call by call
fuzz: for-kernel packages-run fuzz-program
	@$(if $(FIXED),folder=$(call made,folder),rust=$(call made,plain-graft) && folder="$${rust%/*}") && \
	$(VMTOOL) fuzz --stock '$(KERNEL)' $(if $(FIXED),--fixed,--rust "$$rust") --program $(FUZZ) \
		--calls $(CALLS) $(seed) $(if $(FIRST),--first $(FIRST)) --threads $(THREADS) \
		$(if $(KNOWN),--known) $(if $(SOUND),--sound) $(if $(PRIVILEGED),--privileged) $(if $(CASE),--case $(CASE)) $(if $(KEEP),--keep $(KEEP)) \
		--smp $(fuzz-smp) $(if $(MEMORY),--memory $(MEMORY)) $(quick-loader) $(patience) \
		--logs "$$folder/fuzz-logs" \
		--replay 'make fuzz $(fuzz-kernel)' --title "$(title)"
# Cases that a boot does not come to within these seconds have another.
patience := --banner-timeout 120 --timeout 7200
fuzz-kernel = $(if $(filter file,$(origin KERNEL)),SUITE=$(SUITE) FLAVOUR=$(FLAVOUR),KERNEL=$(KERNEL))$\
	$(if $(FIXED), FIXED=1)$(if $(SOUND), SOUND=1)$(if $(CALLERS), CALLERS=1)$(if $(PRIVILEGED), PRIVILEGED=1)$\
	$(if $(MEMORY), MEMORY=$(MEMORY))

## make fuzz-wrong after how many calls wrong versions are told from the stock kernel; ONLY="name ...": these
.PHONY: fuzz-wrong
fuzz-wrong: for-kernel packages-run fuzz-program
	@header=$(call made,layout) && folder=$(call made,folder) && $(VMTOOL) fuzz --wrong $(ONLY) --headers "$${header%/*}" \
		--stock '$(KERNEL)' --program $(FUZZ) --calls $(CALLS) $(seed) --smp $(fuzz-smp) $(quick-loader) \
		$(patience) --logs "$$folder/fuzz-wrong-logs"

# Both judges see something: a version that is wrong, told from the stock kernel, and a model that is. And a case that stops the
# kernel is the one that is named; and what calls are made in another way for is still there, and still met without that.
.PHONY: fuzz-test
fuzz-test: for-kernel packages-run fuzz-program
	@$(MAKE) --silent --no-print-directory -C tests/fuzz BUILD=../../build/fuzz-model-error MODEL_ERROR=1
	@folder=$(call made,folder) && \
	tests/fuzz/sees-model-error.sh $(VMTOOL) '$(KERNEL)' build/fuzz-model-error/fuzz "$$folder/fuzz-model-error-logs" \
		$(quick-loader)
	@folder=$(call made,folder) && \
	tests/fuzz/blames-the-case.sh $(VMTOOL) '$(KERNEL)' $(FUZZ) "$$folder/fuzz-known-logs" $(quick-loader)
	@folder=$(call made,folder) && \
	tests/fuzz/steers-round.sh $(VMTOOL) '$(KERNEL)' $(FUZZ) "$$folder/fuzz-steered-logs" $(quick-loader)
	@$(MAKE) --silent --no-print-directory fuzz-wrong ONLY='shadows-read-only needs-copy-ignored' CALLS=4000
