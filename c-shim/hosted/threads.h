/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads, and what each holds: for the lock package and its checks. */
#ifndef C_SHIM_THREADS_H
#define C_SHIM_THREADS_H

#include <pthread.h>
#include <stdbool.h>

#include <kern/lock.h>

#define MAX_HOLDS	8

enum hold_mode { HOLD_READ, HOLD_WRITE };

struct hold {
	lock_t lock;
	enum hold_mode mode;
};

struct thread {
	const char *name;
	unsigned int vm_privilege;
	struct hold holds[MAX_HOLDS];
	unsigned int hold_count;
	const char *waits_to;		/* "read", "write", or null */
	bool ended;
	void (*body)(void *argument);
	void *argument;
	pthread_t pthread;
};

/* What lock.thread says when no thread is recursive. */
#define NO_THREAD	((struct thread *) -1L)

extern struct thread *current_thread(void);
/* The calling thread is THREAD from here on. */
extern void thread_become(struct thread *thread);

/* Only these may start and await a thread: they keep the deadlock check right. */
extern void thread_start(struct thread *thread, const char *name,
			 void (*body)(void *argument), void *argument);
extern void thread_join(struct thread *thread);

/* The rest of the lock package; <kern/lock.h> has what the functions use. */
extern void lock_init(lock_t lock);
extern void lock_read(lock_t lock);
extern void lock_write(lock_t lock);
extern void lock_done(lock_t lock);

/* Who holds what, as the lock package writes it down. */
extern bool lock_held(const struct thread *thread, const struct lock *lock,
		      enum hold_mode mode);
extern void lock_hold(lock_t lock, enum hold_mode mode);
extern void lock_let_go(lock_t lock, enum hold_mode mode, const char *caller);

#endif /* C_SHIM_THREADS_H */
