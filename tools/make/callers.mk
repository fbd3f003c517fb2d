# SPDX-License-Identifier: GPL-2.0-or-later
# The functions that call the two (docs/callers.md).

.PHONY: oracle-callers oracle-callers-wrong check-object-callers

callers-object = $(call made,callers-object)

## make oracle-callers  compare CASES calls of the two functions' callers, in Rust as well, with the kernel's machine code;
##                     REACH=cases: and which branches the first of them saw
oracle-callers: $(ORACLE) for-kernel
	@object=$(callers-object) && $(ORACLE) --callers --kernel '$(KERNEL)' --object "$$object" --cases $(CASES) $(seed) \
		$(if $(REACH),--reach tests/oracle/unreachable-callers.toml --reach-cases $(REACH))
oracle-callers-wrong: $(ORACLE) for-kernel
	@header=$(call made,layout) && object=$(callers-object) && \
	$(ORACLE) --callers --kernel '$(KERNEL)' --object "$$object" --headers "$${header%/*}" --seed 1 --wrong tests/wrong \
		--work build/wrong-callers
check-object-callers: for-kernel
	@object=$(callers-object) && $(VMTOOL) layout '$(KERNEL)' --check "$$object" && $(VMTOOL) object "$$object" && \
	grafted=$(call made,callers-graft)
