/* SPDX-License-Identifier: GPL-2.0-or-later */
/* late-wakeup: no memory is in it, but it is what stops sessions of the Hurd, with our functions and without. */
#include "defects.h"

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
