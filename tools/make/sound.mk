# SPDX-License-Identifier: GPL-2.0-or-later
# The callers whose wiring has no bad schedule (docs/sound.md).

## make run SOUND=1  with the callers whose wiring has no bad schedule: docs/sound.md; object and graft likewise
.PHONY: check-object-sound
check-object-sound: for-kernel
	@object=$$(VMTOOL='$(VMTOOL)' tools/for-kernel.sh sound-object '$(KERNEL)') && \
	$(VMTOOL) layout '$(KERNEL)' --check "$$object" && $(VMTOOL) object "$$object" && \
	grafted=$$(VMTOOL='$(VMTOOL)' tools/for-kernel.sh sound-graft '$(KERNEL)')

## make oracle-sound  compare how CASES calls leave a map with how the shipped functions do, and tell where they may differ
.PHONY: oracle-sound oracle-sound-wrong
oracle-sound: $(ORACLE) for-kernel
	@object=$$(VMTOOL='$(VMTOOL)' tools/for-kernel.sh sound-object '$(KERNEL)') && \
	$(ORACLE) --sound --kernel '$(KERNEL)' --object "$$object" --cases $(CASES) $(seed)
oracle-sound-wrong: $(ORACLE) for-kernel
	@header=$(call made,layout) && object=$$(VMTOOL='$(VMTOOL)' tools/for-kernel.sh sound-object '$(KERNEL)') && \
	$(ORACLE) --sound --kernel '$(KERNEL)' --object "$$object" --headers "$${header%/*}" --seed 1 --wrong tests/wrong \
		--work build/wrong-sound
