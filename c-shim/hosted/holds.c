/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which thread runs, and which locks each holds. */
#include "stop.h"
#include "threads.h"

static struct thread main_thread = { .name = "main" };
static __thread struct thread *self;

struct thread *
current_thread(void)
{
	return self != NULL ? self : &main_thread;
}

void
thread_become(struct thread *thread)
{
	self = thread;
}

bool
lock_held(const struct thread *thread, const struct lock *lock,
	  enum hold_mode mode)
{
	for (unsigned int i = 0; i < thread->hold_count; i++)
		if (thread->holds[i].lock == lock
		    && thread->holds[i].mode == mode)
			return true;
	return false;
}

void
lock_hold(lock_t lock, enum hold_mode mode)
{
	struct thread *thread = current_thread();

	if (thread->hold_count == MAX_HOLDS)
		kernel_panic("thread %s holds too many locks", thread->name);
	thread->holds[thread->hold_count++] = (struct hold) { lock, mode };
}

void
lock_let_go(lock_t lock, enum hold_mode mode, const char *caller)
{
	struct thread *thread = current_thread();

	for (unsigned int i = thread->hold_count; i-- > 0; ) {
		if (thread->holds[i].lock != lock
		    || thread->holds[i].mode != mode)
			continue;
		thread->holds[i] = thread->holds[--thread->hold_count];
		return;
	}
	kernel_panic("%s: thread %s does not hold the lock for %s", caller,
		     thread->name, mode == HOLD_READ ? "reading" : "writing");
}
