/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GNUMACH_KERN_SCHED_PRIM_H
#define GNUMACH_KERN_SCHED_PRIM_H

#include <mach/vm_types.h>

typedef void *event_t;
typedef void (*continuation_t)(void);

/* Says what to wait for; thread_block then waits. */
extern void assert_wait(event_t event, boolean_t interruptible);
extern void thread_block(continuation_t continuation);
/* Wakes who waits, one or all. */
extern boolean_t thread_wakeup_prim(event_t event, boolean_t one_thread,
				    int result);

#define THREAD_AWAKENED	0

#endif /* GNUMACH_KERN_SCHED_PRIM_H */
