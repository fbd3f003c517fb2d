# SPDX-License-Identifier: GPL-2.0-or-later

##
## make mutants    cargo-mutants over src/, against the hosted tests and the oracle: an hour; JOBS=1 at one time,
##                 ONLY=regex of their names
JOBS ?= 1
.PHONY: mutants
mutants: $(ORACLE) for-kernel
	@header=$(call made,layout) && object=$(call made,plain-object) && \
	tools/mutants.sh --oracle $(ORACLE) --kernel '$(KERNEL)' --object "$$object" --headers "$${header%/*}" \
		--jobs $(JOBS) $(if $(ONLY),--only '$(ONLY)')
