/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's traps (traps.S) and the numbers that go with them. */
#ifndef STORM_TRAPS_H
#define STORM_TRAPS_H

#include <stdint.h>

typedef uintptr_t word_t;	/* an address or a size in memory, as the kernel has them */
typedef uint32_t port_t;	/* a name in this task's port space */
typedef int32_t result_t;	/* what a kernel call or a message returns: 0 is success */

enum {
	MESSAGE_SEND = 0x1,
	MESSAGE_RECEIVE = 0x2,
	MESSAGE_RECEIVE_TIMEOUT = 0x100,
};

result_t trap_message(void *message, uint32_t options, uint32_t send_size, uint32_t receive_size, port_t receive_on,
		      uint32_t milliseconds, port_t notify);
port_t trap_reply_port(void);
port_t trap_task_self(void);
port_t trap_host_self(void);	/* the host's name port, without privilege */

/* Gives TASK a right of this task's, under NAME; HOW is a type of right in messages. */
result_t trap_insert_right(port_t task, port_t name, port_t right, uint32_t how);

/* Only in kernels with the kernel debugger (Debian's -dbg); in others this call is an error of the program. */
void trap_print(const char *text);

#endif
