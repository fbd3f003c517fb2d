/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "touch.h"

/* From try_touch.S. */
uint32_t try_touch(uint32_t address, bool store, uint32_t *word);
void touch_failed(void);

enum { ID_EXCEPTION_RAISE = 2400, BAD_ACCESS = 1 };

static struct {
	volatile uint32_t exception, address;
	volatile result_t code;
} raised;

bool take_exceptions(const struct caller *c, port_t task, port_t port, struct failure *failure)
{
	return expect(failure, "task_set_special_port", 0, task_set_exception_port(c, task, port), 0);
}

bool answer_exception(const struct caller *c, struct rpc *message, struct failure *failure)
{
	port_t thread;

	if (rpc_id(message) != ID_EXCEPTION_RAISE)
		return false;
	thread = rpc_get_word(message);
	rpc_get_word(message);	/* the task: both rights come to those that this task has already, until it gives all back */
	raised.exception = rpc_get_word(message);
	raised.code = (result_t)rpc_get_word(message);
	raised.address = rpc_get_word(message);
	expect(failure, "message of an exception", 0, rpc_end(message), 0);
	/* The stack is set there. */
	expect(failure, "thread_set_state", 0, set_entry(c, thread, (uint32_t)touch_failed, 0), 0);
	expect(failure, "answer to an exception", 0, rpc_answer(message, 0), 0);
	return true;
}

result_t touch(uint32_t address, bool store, uint32_t *word)
{
	raised.exception = 0;
	if (!try_touch(address, store, word))
		return 0;
	return raised.exception == BAD_ACCESS && raised.address == address && raised.code ? raised.code : RPC_WRONG_REPLY;
}
