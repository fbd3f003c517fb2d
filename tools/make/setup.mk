# SPDX-License-Identifier: GPL-2.0-or-later
##
## make doctor     which tools are here and where from, or how to get what is missing; changes nothing
## make dist       build/gnumach-vm-map-VERSION.tar.gz: with it a GNU Mach tree builds without a network
.PHONY: doctor dist
doctor:
	@tools/doctor.sh
dist: packages-build
	@CARGO='$(CARGO)' tools/dist.sh
