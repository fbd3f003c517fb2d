# SPDX-License-Identifier: GPL-2.0-or-later
# The callers whose wiring has no bad schedule (docs/sound.md).

## make run SOUND=1  with the callers whose wiring has no bad schedule: docs/sound.md; object and graft likewise
.PHONY: check-object-sound
check-object-sound: for-kernel
	@object=$$(VMTOOL='$(VMTOOL)' tools/for-kernel.sh sound-object '$(KERNEL)') && \
	$(VMTOOL) layout '$(KERNEL)' --check "$$object" && $(VMTOOL) object "$$object" && \
	grafted=$$(VMTOOL='$(VMTOOL)' tools/for-kernel.sh sound-graft '$(KERNEL)')
