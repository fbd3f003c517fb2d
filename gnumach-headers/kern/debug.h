/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GNUMACH_KERN_DEBUG_H
#define GNUMACH_KERN_DEBUG_H

/* Prints a message and stops the machine. */
extern void Panic(const char *file, int line, const char *fun,
		  const char *s, ...)
	__attribute__((noreturn, format(printf, 4, 5)));

#endif /* GNUMACH_KERN_DEBUG_H */
