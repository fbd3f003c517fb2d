# SPDX-License-Identifier: GPL-2.0-or-later
# Equal to the kernel's machine code for every small map, by proof. See docs/prove.md.

PROVE_ENV := build/prove/env
# Where no Python fits and none can be installed, environment.sh skips and says so.
prove-packages:
	@tools/install-packages.sh build cargo kernel-build
	@tests/prove/environment.sh --python >/dev/null 2>&1 || tools/install-packages.sh prove || :

# The kernel and our object as they lie in memory, and all that is known of both.
prover = python=$$(tests/prove/environment.sh $(PROVE_ENV)) && object=$(call made,plain-object) && \
	folder=$(call made,folder)/prove$(if $(CALLERS),-callers) && \
	$(ORACLE) image --kernel '$(KERNEL)' --object "$$object" --out "$$folder"
prover-arguments = --image "$$folder" --oracle $(ORACLE) --kernel '$(KERNEL)' --object "$$object" --work "$$folder" \
	$(if $(CALLERS),--callers) $(if $(filter-out file,$(origin JOBS)),--jobs $(JOBS))

.PHONY: prove prove-wrong prove-test prove-packages
## make prove      prove that our functions do what the kernel's do, for all small maps; ONLY="coalesce-2 ...": parts of it;
##                 JOBS=2: processes; CALLERS=1: their callers instead
## make prove-wrong  refute every wrong version of tests/wrong/ that is for it
prove: prove-packages $(ORACLE) for-kernel
	@$(prover) && "$$python" tests/prove/prove.py $(prover-arguments) $(ONLY)
prove-test: prove-packages $(ORACLE) for-kernel
	@$(prover) && PROVE_IMAGE="$$folder" "$$python" -m unittest discover --start-directory tests/prove \
		$(if $(CALLERS),--pattern callers_test.py)
prove-wrong: prove-packages $(ORACLE) for-kernel vmtool
	@$(prover) && header=$(call made,layout) && "$$python" tests/prove/wrong.py $(prover-arguments) \
		--headers "$${header%/*}" --vmtool $(VMTOOL)
