/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stands for <kern/lock.h>: a sleeping reader/writer lock in which a writer
 * that waits keeps new readers out.  One mutex serves as every lock's
 * interlock.  Releasing what one does not hold, and waiting when no thread is
 * left that could release, end the run.
 */
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "stop.h"
#include "threads.h"

static pthread_mutex_t interlocks = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wakeup = PTHREAD_COND_INITIALIZER;
static unsigned int wakeups;		/* sleepers wait for it to change */
static unsigned int runnable = 1;
static unsigned int sleepers;

static void *
thread_main(void *argument)
{
	struct thread *self = argument;

	thread_become(self);
	self->body(self->argument);
	if (self->hold_count != 0)
		kernel_panic("thread %s ends with a lock held", self->name);
	pthread_mutex_lock(&interlocks);
	runnable--;
	self->ended = true;
	pthread_mutex_unlock(&interlocks);
	return NULL;
}

void
thread_start(struct thread *thread, const char *name,
	     void (*body)(void *argument), void *argument)
{
	memset(thread, 0, sizeof *thread);
	thread->name = name;
	thread->body = body;
	thread->argument = argument;
	pthread_mutex_lock(&interlocks);
	runnable++;
	pthread_mutex_unlock(&interlocks);
	if (pthread_create(&thread->pthread, NULL, thread_main, thread) != 0)
		abort();
}

void
thread_join(struct thread *thread)
{
	pthread_mutex_lock(&interlocks);
	if (runnable == 1 && !thread->ended)
		kernel_panic("deadlock: thread %s waits to %s, and the last "
			     "other thread waits for it to end", thread->name,
			     thread->waits_to);
	runnable--;
	pthread_mutex_unlock(&interlocks);
	pthread_join(thread->pthread, NULL);
	pthread_mutex_lock(&interlocks);
	runnable++;
	pthread_mutex_unlock(&interlocks);
}

static void
sleep_on(lock_t lock, const char *to)
{
	struct thread *thread = current_thread();
	unsigned int seen = wakeups;

	lock->waiting = 1;
	thread->waits_to = to;
	if (runnable == 1)
		kernel_panic("deadlock: thread %s waits to %s, and no thread "
			     "is left to release the lock", thread->name, to);
	runnable--;
	sleepers++;
	while (wakeups == seen)
		pthread_cond_wait(&wakeup, &interlocks);
	thread->waits_to = NULL;
}

/* Sleepers count as runnable from here on, however late they wake. */
static void
wake_sleepers(lock_t lock)
{
	lock->waiting = 0;
	runnable += sleepers;
	sleepers = 0;
	wakeups++;
	pthread_cond_broadcast(&wakeup);
}

void
lock_init(lock_t lock)
{
	memset(lock, 0, sizeof *lock);
	lock->thread = NO_THREAD;
	lock->can_sleep = 1;
}

void
lock_write(lock_t lock)
{
	pthread_mutex_lock(&interlocks);
	if (lock->thread == current_thread()) {
		lock->recursion_depth++;
	} else {
		while (lock->want_write)
			sleep_on(lock, "write");
		lock->want_write = 1;
		while (lock->read_count != 0 || lock->want_upgrade)
			sleep_on(lock, "write");
	}
	lock_hold(lock, HOLD_WRITE);
	pthread_mutex_unlock(&interlocks);
}

void
lock_read(lock_t lock)
{
	pthread_mutex_lock(&interlocks);
	if (lock->thread != current_thread())
		while (lock->want_write || lock->want_upgrade)
			sleep_on(lock, "read");
	lock->read_count++;
	lock_hold(lock, HOLD_READ);
	pthread_mutex_unlock(&interlocks);
}

void
lock_done(lock_t lock)
{
	pthread_mutex_lock(&interlocks);
	if (lock->read_count != 0) {
		lock_let_go(lock, HOLD_READ, "lock_done");
		lock->read_count--;
	} else {
		lock_let_go(lock, HOLD_WRITE, "lock_done");
		if (lock->recursion_depth != 0)
			lock->recursion_depth--;
		else if (lock->want_upgrade)
			lock->want_upgrade = 0;
		else
			lock->want_write = 0;
	}
	if (lock->waiting && lock->read_count == 0)
		wake_sleepers(lock);
	pthread_mutex_unlock(&interlocks);
}

void
lock_set_recursive(lock_t lock)
{
	calls_note(&(struct call) { .kind = CALL_LOCK_SET_RECURSIVE },
		   "lock_set_recursive");
	pthread_mutex_lock(&interlocks);
	if (!lock_held(current_thread(), lock, HOLD_WRITE))
		kernel_panic("lock_set_recursive without the write lock");
	lock->thread = current_thread();
	pthread_mutex_unlock(&interlocks);
}

void
lock_clear_recursive(lock_t lock)
{
	calls_note(&(struct call) { .kind = CALL_LOCK_CLEAR_RECURSIVE },
		   "lock_clear_recursive");
	pthread_mutex_lock(&interlocks);
	if (lock->thread != current_thread())
		kernel_panic("lock_clear_recursive by a thread that is not "
			     "the recursive one");
	if (lock->recursion_depth == 0)
		lock->thread = NO_THREAD;
	pthread_mutex_unlock(&interlocks);
}

void
lock_write_to_read(lock_t lock)
{
	calls_note(&(struct call) { .kind = CALL_LOCK_WRITE_TO_READ },
		   "lock_write_to_read");
	pthread_mutex_lock(&interlocks);
	lock_let_go(lock, HOLD_WRITE, "lock_write_to_read");
	lock_hold(lock, HOLD_READ);
	lock->read_count++;
	if (lock->recursion_depth != 0)
		lock->recursion_depth--;
	else if (lock->want_upgrade)
		lock->want_upgrade = 0;
	else
		lock->want_write = 0;
	if (lock->waiting)
		wake_sleepers(lock);
	pthread_mutex_unlock(&interlocks);
}
