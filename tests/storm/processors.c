/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "call.h"

/* Subsystem bases plus the place of each routine, as in mach.c. */
enum id {
	ID_THREAD_INFO = 2019,
	ID_PROCESSOR_SET_DEFAULT = 2606,
	ID_THREAD_ASSIGN = 2613,
	ID_THREAD_GET_ASSIGNMENT = 2615,
	ID_PROCESSOR_SET_THREADS = 2628,
	ID_HOST_PROCESSOR_SETS = 2629,
	ID_HOST_PROCESSOR_SET_PRIV = 2630,
	ID_PROCESSOR_SET_INFO = 2640,
};

enum { SCHED_INFO = 2, SCHED_WORDS = 8, SCHED_LAST_PROCESSOR = 7 };
enum { SET_BASIC_INFO = 1, SET_BASIC_WORDS = 5, SET_PROCESSORS = 0, SET_TASKS = 1, SET_THREADS = 2 };

result_t thread_last_processor(const struct caller *c, port_t thread, uint32_t *slot)
{
	struct rpc_array info;
	struct rpc m;
	result_t result;

	rpc_begin(&m, thread, ID_THREAD_INFO);
	rpc_put_number(&m, SCHED_INFO);
	rpc_put_number(&m, SCHED_WORDS);
	result = rpc_call(&m, c->reply);
	if (result)
		return result;
	info = rpc_get_array(&m);
	if (rpc_end(&m) || info.out_of_line || info.count != SCHED_WORDS)
		return RPC_WRONG_REPLY;
	*slot = info.words[SCHED_LAST_PROCESSOR];
	return 0;
}

result_t processor_set_default(const struct caller *c, port_t host, port_t *name)
{
	struct rpc m;

	rpc_begin(&m, host, ID_PROCESSOR_SET_DEFAULT);
	return call_for_word(c, &m, name);
}

result_t processor_set_size(const struct caller *c, port_t name, struct set_size *size)
{
	struct rpc_array info;
	struct rpc m;
	result_t result;

	rpc_begin(&m, name, ID_PROCESSOR_SET_INFO);
	rpc_put_number(&m, SET_BASIC_INFO);
	rpc_put_number(&m, SET_BASIC_WORDS);
	result = rpc_call(&m, c->reply);
	if (result)
		return result;
	rpc_get_word(&m);	/* the host */
	info = rpc_get_array(&m);
	if (rpc_end(&m) || info.out_of_line || info.count != SET_BASIC_WORDS)
		return RPC_WRONG_REPLY;
	size->processors = info.words[SET_PROCESSORS];
	size->tasks = info.words[SET_TASKS];
	size->threads = info.words[SET_THREADS];
	return 0;
}

result_t processor_set_threads(const struct caller *c, port_t set, struct rpc_array *threads)
{
	struct rpc m;

	rpc_begin(&m, set, ID_PROCESSOR_SET_THREADS);
	return call_for_array(c, &m, threads);
}

result_t host_processor_sets(const struct caller *c, port_t host, struct rpc_array *names)
{
	struct rpc m;

	rpc_begin(&m, host, ID_HOST_PROCESSOR_SETS);
	return call_for_array(c, &m, names);
}

result_t host_processor_set_priv(const struct caller *c, port_t host_priv, port_t name, port_t *set)
{
	struct rpc m;

	rpc_begin(&m, host_priv, ID_HOST_PROCESSOR_SET_PRIV);
	rpc_put_port(&m, name);
	return call_for_word(c, &m, set);
}

result_t thread_assign(const struct caller *c, port_t thread, port_t set)
{
	struct rpc m;

	rpc_begin(&m, thread, ID_THREAD_ASSIGN);
	rpc_put_port(&m, set);
	return call_and_end(c, &m);
}

result_t thread_get_assignment(const struct caller *c, port_t thread, port_t *name)
{
	struct rpc m;

	rpc_begin(&m, thread, ID_THREAD_GET_ASSIGNMENT);
	return call_for_word(c, &m, name);
}
