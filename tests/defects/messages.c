/* SPDX-License-Identifier: GPL-2.0-or-later */
/* No memory is in these. The first is what stops sessions of the Hurd, with our functions and without. */
#include "defects.h"
#include "../storm/in_use.h"
#include "../storm/thread.h"
#include <stddef.h>

enum { PAIRS = 3, RIGHT_RECEIVE = 1, MAKE_SEND = 20, MILLISECOND = 1 };
/* A message without anything in it. */
enum { BITS, SIZE, REMOTE, LOCAL, SEQUENCE, ID, HEADER_WORDS };

static volatile port_t ports[PAIRS];

/* A wait ends by itself at the clock's next tick, which may come when the sender has handed its message over, and not yet woken us. */
void receive_in_time(struct actor *actor)
{
	uint32_t message[HEADER_WORDS + 2];
	port_t port;

	act(actor, "mach_port_allocate", 0, 0, 0);
	if (!acted(actor, mach_port_allocate(&actor->caller, actor->caller.task, RIGHT_RECEIVE, &port)))
		return;
	ports[actor->number] = port;
	while (!actor->scene->stop) {
		act(actor, "mach_msg, to receive within a millisecond", 0, 0, 0);
		trap_message(message, MESSAGE_RECEIVE | MESSAGE_RECEIVE_TIMEOUT, 0, sizeof message, port, MILLISECOND, 0);
		acted_freely(actor);
	}
}

void send_for_ever(struct actor *actor)
{
	volatile port_t *to = &ports[actor->number - PAIRS];

	while (!*to && !actor->scene->stop)
		sleep_for(&actor->caller, 1);
	while (!actor->scene->stop) {
		uint32_t message[HEADER_WORDS] = { [BITS] = MAKE_SEND, [SIZE] = sizeof message, [REMOTE] = *to };

		act(actor, "mach_msg, to send", 0, 0, 0);
		trap_message(message, MESSAGE_SEND, sizeof message, 0, 0, 0, 0);
		acted_freely(actor);
	}
}

enum { THREADS = 1024, ID_EXCEPTION_RAISE = 2400 };

static void spin(void)
{
	for (;;)
		continue;
}

static void load_from_nowhere(void *argument)
{
	*(volatile uint32_t *)argument;
	spin();
}

/* A thread whose load fails, is told where to go on, and ends. */
static bool run_with_exception(struct actor *actor, port_t exceptions)
{
	static uint32_t stack[STACK_WORDS];
	const struct caller *c = &actor->caller;
	struct failure *f = &actor->failure;
	struct rpc m;
	port_t thread;

	return make_thread(c, actor->scene->cpus, stack, load_from_nowhere, NULL, &thread, f) &&
	       expect(f, "thread_resume", 0, thread_resume(c, thread), 0) &&
	       expect(f, "mach_msg of an exception", 0, rpc_receive(&m, exceptions), 0) &&
	       expect(f, "its identifier", 0, rpc_id(&m), ID_EXCEPTION_RAISE) &&
	       expect(f, "thread_set_state", 0, thread_set_entry(c, thread, (word_t)spin, (word_t)&stack[STACK_WORDS - 8]), 0) &&
	       expect(f, "answer to an exception", 0, rpc_answer(&m, 0), 0) &&
	       expect(f, "thread_terminate", 0, thread_terminate(c, thread), 0) &&
	       expect(f, "mach_port_destroy", 0, mach_port_destroy(c, c->task, thread), 0);
}

void reply_port_left(struct actor *actor)
{
	const struct caller *c = &actor->caller;
	struct in_use before, after;
	port_t exceptions;

	act(actor, "exceptions", 0, 0, THREADS);
	if (!expect(&actor->failure, "mach_port_allocate", 0, mach_port_allocate(c, c->task, RIGHT_RECEIVE, &exceptions), 0) ||
	    !expect(&actor->failure, "task_set_special_port", 0, task_set_exception_port(c, c->task, exceptions), 0) ||
	    !run_with_exception(actor, exceptions) ||
	    !expect(&actor->failure, "host_slab_info", 0, counts_in_use(c, actor->scene->host, &before), 0))
		return;
	for (unsigned i = 0; i < THREADS; i++)
		if (!run_with_exception(actor, exceptions))
			return;
	/* The last threads may be on their way out. */
	sleep_for(c, 200);
	expect(&actor->failure, "host_slab_info", 1, counts_in_use(c, actor->scene->host, &after), 0);
	acted_freely(actor);
	see(actor, "ports that 1024 threads have left", 0, after.ports - before.ports, 0);
}
