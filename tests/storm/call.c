/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "call.h"

result_t call_and_end(const struct caller *c, struct rpc *m)
{
	result_t result = rpc_call(m, c->reply);

	return result ? result : rpc_end(m);
}

result_t call_for_word(const struct caller *c, struct rpc *m, uint32_t *word)
{
	result_t result = rpc_call(m, c->reply);

	if (result)
		return result;
	*word = rpc_get_word(m);
	return rpc_end(m);
}

result_t call_for_array(const struct caller *c, struct rpc *m, struct rpc_array *array)
{
	result_t result = rpc_call(m, c->reply);

	if (result)
		return result;
	*array = rpc_get_array(m);
	result = rpc_end(m);
	/* In-line data lives in M, which the caller is about to lose. */
	if (!result && !array->out_of_line && array->count)
		return RPC_WRONG_REPLY;
	return result;
}
