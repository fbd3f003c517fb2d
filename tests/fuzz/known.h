/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Known defects of the kernel, each by what the model must be like for a call to meet it: known.toml says so in words. */
#ifndef FUZZ_KNOWN_H
#define FUZZ_KNOWN_H

#include "calls.h"

/* Which of them a kernel does not have any more. */
struct kept_away {
	bool by_sound, by_fixes;
};

/* The name of a defect that the call would meet, or NULL. */
const char *known_defect(const struct model *model, const struct call *call, struct kept_away kept_away);

#endif
