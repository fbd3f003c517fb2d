# SPDX-License-Identifier: GPL-2.0-or-later
##
## make dist       build/gnumach-vm-map-VERSION.tar.gz: with it a GNU Mach tree builds without a network
.PHONY: dist
dist: packages-build
	@CARGO=$(CARGO) tools/dist.sh
