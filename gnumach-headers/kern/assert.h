/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GNUMACH_KERN_ASSERT_H
#define GNUMACH_KERN_ASSERT_H

/* Reports a failed assertion and stops the machine. */
extern void Assert(const char *exp, const char *file, int line,
		   const char *fun) __attribute__((noreturn));

#endif /* GNUMACH_KERN_ASSERT_H */
