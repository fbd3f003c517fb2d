# SPDX-License-Identifier: GPL-2.0-or-later
# The callers whose wiring has no bad schedule (docs/sound.md).

## make run SOUND=1  with the callers whose wiring has no bad schedule: docs/sound.md; object and graft likewise
.PHONY: check-object-sound
check-object-sound: for-kernel
	@object=$(call made,sound-object) && \
	$(VMTOOL) layout '$(KERNEL)' --check "$$object" && $(VMTOOL) object "$$object" && \
	grafted=$(call made,sound-graft)

## make oracle-sound  compare how CASES calls leave a map with how the shipped functions do, and tell where they may differ
.PHONY: oracle-sound oracle-sound-wrong
oracle-sound: $(ORACLE) for-kernel
	@object=$(call made,sound-object) && \
	$(ORACLE) --sound --kernel '$(KERNEL)' --object "$$object" --cases $(CASES) $(seed)
oracle-sound-wrong: $(ORACLE) for-kernel
	@header=$(call made,layout) && object=$(call made,sound-object) && \
	$(ORACLE) --sound --kernel '$(KERNEL)' --object "$$object" --headers "$${header%/*}" --seed 1 --wrong tests/wrong \
		--work build/wrong-sound

# The default object does not depend on the sources of the callers or of these; first of sources in which it differs. So those
# that are right are older than what cargo made last, and must be compiled all the same.
.PHONY: same-object
same-object: for-kernel
	@object=$(call made,plain-object) && folder=$(call made,folder) && header=$(call made,layout) && \
	tools/same-object.sh --wrong "$$object" "$${header%/*}" "$$folder/same-object" && \
	tools/same-object.sh "$$object" "$${header%/*}" "$$folder/same-object"
