/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pager.h"

/* What the kernel asks of a pager, and what it may be answered. */
enum id {
	ID_DATA_UNAVAILABLE = 2039,
	ID_DATA_ERROR = 2090,
	ID_DATA_SUPPLY = 2093,
	ID_READY = 2094,

	ID_INIT = 2200,
	ID_TERMINATE = 2201,
	ID_DATA_REQUEST = 2203,
	ID_DATA_RETURN = 2208,
};

enum { RIGHT_RECEIVE = 1, ERROR_VALUE = 10 };	/* KERN_MEMORY_ERROR */

static uint32_t page[PAGE / sizeof(uint32_t)] __attribute__((aligned(PAGE)));

static result_t get_ready(struct pager *pager, struct rpc *m)
{
	struct rpc answer;

	pager->mapped++;
	pager->control = rpc_get_word(m);
	pager->name = rpc_get_word(m);
	rpc_begin(&answer, pager->control, ID_READY);
	rpc_put_boolean(&answer, false);	/* nothing is kept once it is unmapped */
	rpc_put_number(&answer, pager->copy_strategy);
	return rpc_send(&answer);
}

/* The kernel is done with the object then, and does not say so; who has waited for a page gets an error. */
static result_t begin_anew(struct pager *pager)
{
	const struct caller *c = &pager->caller;
	const port_t ports[] = { pager->object, pager->control, pager->name };
	result_t result = 0;
	port_t object = 0;

	for (unsigned i = 0; i < sizeof ports / sizeof ports[0] && !result; i++)
		result = mach_port_destroy(c, c->task, ports[i]);
	if (!result)
		result = mach_port_allocate(c, c->task, RIGHT_RECEIVE, &object);
	pager->object = object;
	pager->mapped--;
	return result;
}

/* The kernel asks for a page at a time. */
static result_t answer_request(struct pager *pager, struct rpc *m)
{
	port_t control = rpc_get_word(m);
	uint32_t offset = rpc_get_word(m), size = rpc_get_word(m);
	struct rpc answer;

	pager->requests++;
	if (size != PAGE)
		return RPC_WRONG_REPLY;
	if (pager->late && (!pager->late_each || pager->requests % pager->late_each == 0))
		sleep_for(&pager->caller, pager->late);
	switch (pager->answer) {
	case PAGER_SUPPLIES:
		rpc_begin(&answer, control, ID_DATA_SUPPLY);
		rpc_put_number(&answer, offset);
		rpc_put_memory(&answer, page, size);
		rpc_put_number(&answer, PROT_NONE);	/* no access is forbidden */
		rpc_put_boolean(&answer, false);
		rpc_put_port(&answer, 0);
		return rpc_send(&answer);
	case PAGER_HAS_NONE:
		rpc_begin(&answer, control, ID_DATA_UNAVAILABLE);
		break;
	case PAGER_ERRS:
		rpc_begin(&answer, control, ID_DATA_ERROR);
		break;
	case PAGER_IS_SILENT:
		return 0;
	case PAGER_GOES:
		return begin_anew(pager);
	}
	rpc_put_number(&answer, offset);
	rpc_put_number(&answer, size);
	if (pager->answer == PAGER_ERRS)
		rpc_put_number(&answer, ERROR_VALUE);
	return rpc_send(&answer);
}

static result_t take_back(struct pager *pager, struct rpc *m)
{
	struct rpc_array data;

	rpc_get_word(m);
	rpc_get_word(m);
	data = rpc_get_array(m);
	return drop_array(&pager->caller, &data);
}

/* The kernel is done with the object, until it is mapped again; its two ports are ours to end. */
static result_t end_ports(struct pager *pager, struct rpc *m)
{
	port_t ports[2];
	result_t result = 0;

	ports[0] = rpc_get_word(m);
	ports[1] = rpc_get_word(m);
	for (unsigned i = 0; i < 2 && !result; i++)
		result = mach_port_destroy(&pager->caller, pager->caller.task, ports[i]);
	pager->mapped--;
	return result;
}

static void pager_main(void *argument)
{
	struct pager *pager = argument;
	struct rpc m;

	pager->caller = (struct caller){ .task = trap_task_self(), .reply = trap_reply_port() };
	for (;;) {
		result_t result = rpc_receive(&m, pager->object);

		if (!result)
			switch (rpc_id(&m)) {
			case ID_INIT:
				result = get_ready(pager, &m);
				break;
			case ID_TERMINATE:
				result = end_ports(pager, &m);
				break;
			case ID_DATA_REQUEST:
				result = answer_request(pager, &m);
				break;
			case ID_DATA_RETURN:
				result = take_back(pager, &m);
				break;
			}
		if (!result)
			result = rpc_end(&m);
		if (result && !pager->result)
			pager->result = result;
	}
}

bool pager_start(struct pager *pager, const struct caller *c, const struct cpus *cpus, struct failure *failure)
{
	for (unsigned i = 0; i < PAGE / sizeof page[0]; i++)
		page[i] = PAGER_WORD;
	port_t object;

	if (!expect(failure, "mach_port_allocate of the object", 0, mach_port_allocate(c, c->task, RIGHT_RECEIVE, &object), 0))
		return false;
	pager->object = object;
	return make_thread(c, cpus, pager->stack, pager_main, pager, &pager->thread, failure) &&
	       expect(failure, "thread_resume of the pager", 0, thread_resume(c, pager->thread), 0);
}
