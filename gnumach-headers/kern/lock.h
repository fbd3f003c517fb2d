/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GNUMACH_KERN_LOCK_H
#define GNUMACH_KERN_LOCK_H

#include <mach/vm_types.h>
#include <structs.h>

typedef struct lock *lock_t;

/* Lets the thread that holds the lock for writing take it again. */
extern void lock_set_recursive(lock_t lock);
extern void lock_clear_recursive(lock_t lock);
/* Turns a write lock into a read lock, and wakes who waits for it. */
extern void lock_write_to_read(lock_t lock);

#endif /* GNUMACH_KERN_LOCK_H */
