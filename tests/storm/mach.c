/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "call.h"
#include "text.h"

/* Subsystem bases plus the place of each routine, counting the skipped ones. */
enum id {
	ID_TASK_CREATE = 2007,
	ID_TASK_TERMINATE = 2008,
	ID_THREAD_TERMINATE = 2016,
	ID_THREAD_GET_STATE = 2017,
	ID_THREAD_SET_STATE = 2018,
	ID_VM_ALLOCATE = 2021,
	ID_VM_DEALLOCATE = 2023,
	ID_VM_PROTECT = 2024,
	ID_VM_INHERIT = 2025,
	ID_VM_REGION = 2029,
	ID_THREAD_CREATE = 2061,
	ID_THREAD_RESUME = 2063,

	ID_HOST_REBOOT = 2635,
	ID_VM_WIRE = 2636,

	ID_MACH_VM_REGION_INFO = 3019,

	ID_MACH_PORT_NAMES = 3200,
	ID_MACH_PORT_ALLOCATE = 3204,
	ID_MACH_PORT_DESTROY = 3205,
	ID_MACH_PORT_DEALLOCATE = 3206,
};

/* The flavor of thread state that holds general registers and segments, and the words of it that we set. */
enum {
	STATE_REGS_SEGS = 5,
#ifdef __x86_64__
	STATE_WORDS = REGISTERS,
	STATE_ARGUMENT = 16,
	STATE_FRAME = 20,
	STATE_ENTRY = 32,
	STATE_STACK = 38,
#else
	STATE_WORDS = REGISTERS,
	STATE_FRAME = 6,
	STATE_ENTRY = 12,
	STATE_STACK = 15,
#endif
};

/* The region's start and end come first, a word_t each. */
#ifdef __x86_64__
enum { REGION_WORDS = 16, REGION_WIRED = 7 };
#else
enum { REGION_WORDS = 11, REGION_WIRED = 5 };
#endif

result_t drop_array(const struct caller *c, const struct rpc_array *array)
{
	if (!array->out_of_line || !array->count)
		return 0;
	return vm_deallocate(c, c->task, (word_t)array->words, array->count * sizeof(uint32_t));
}

result_t task_create(const struct caller *c, port_t *child)
{
	struct rpc m;

	rpc_begin(&m, c->task, ID_TASK_CREATE);
	rpc_put_boolean(&m, false);	/* inherit no memory: an empty map */
	return call_for_word(c, &m, child);
}

result_t task_terminate(const struct caller *c, port_t task)
{
	struct rpc m;

	rpc_begin(&m, task, ID_TASK_TERMINATE);
	return call_and_end(c, &m);
}

result_t thread_create(const struct caller *c, port_t *thread)
{
	struct rpc m;

	rpc_begin(&m, c->task, ID_THREAD_CREATE);
	return call_for_word(c, &m, thread);
}

result_t thread_terminate(const struct caller *c, port_t thread)
{
	struct rpc m;

	rpc_begin(&m, thread, ID_THREAD_TERMINATE);
	return call_and_end(c, &m);
}

result_t thread_resume(const struct caller *c, port_t thread)
{
	struct rpc m;

	rpc_begin(&m, thread, ID_THREAD_RESUME);
	return call_and_end(c, &m);
}

static void set_word(uint32_t *state, word_t value)
{
	memcpy(state, &value, sizeof value);
}

result_t thread_get_registers(const struct caller *c, port_t thread, struct registers *registers)
{
	struct rpc_array state;
	struct rpc m;
	result_t result;

	rpc_begin(&m, thread, ID_THREAD_GET_STATE);
	rpc_put_number(&m, STATE_REGS_SEGS);
	rpc_put_number(&m, STATE_WORDS);
	result = rpc_call(&m, c->reply);
	if (result)
		return result;
	state = rpc_get_array(&m);
	result = rpc_end(&m);
	if (result)
		return result;
	if (state.count != STATE_WORDS || state.out_of_line)
		return RPC_WRONG_REPLY;
	for (unsigned i = 0; i < STATE_WORDS; i++)
		registers->words[i] = state.words[i];
	return 0;
}

result_t thread_enter(const struct caller *c, port_t thread, struct registers *registers, word_t entry, word_t stack)
{
	uint32_t *words = registers->words;
	struct rpc m;

	set_word(&words[STATE_FRAME], 0);
	set_word(&words[STATE_ENTRY], entry);
	set_word(&words[STATE_STACK], stack);
#ifdef __x86_64__
	set_word(&words[STATE_ARGUMENT], ((const word_t *)stack)[1]);
#endif
	rpc_begin(&m, thread, ID_THREAD_SET_STATE);
	rpc_put_number(&m, STATE_REGS_SEGS);
	rpc_put_numbers(&m, words, STATE_WORDS);
	return call_and_end(c, &m);
}

result_t thread_set_entry(const struct caller *c, port_t thread, word_t entry, word_t stack)
{
	struct registers registers;
	/* The segments of a fresh thread are right already, and only the kernel knows them. */
	result_t result = thread_get_registers(c, thread, &registers);

	return result ? result : thread_enter(c, thread, &registers, entry, stack);
}

result_t vm_allocate(const struct caller *c, port_t task, word_t *address, word_t size, bool anywhere)
{
	struct rpc m;
	result_t result;

	rpc_begin(&m, task, ID_VM_ALLOCATE);
	rpc_put_size(&m, *address);
	rpc_put_size(&m, size);
	rpc_put_boolean(&m, anywhere);
	result = rpc_call(&m, c->reply);
	if (result)
		return result;
	*address = rpc_get_word(&m);
	return rpc_end(&m);
}

static void begin_range(struct rpc *m, port_t task, enum id id, word_t address, word_t size)
{
	rpc_begin(m, task, id);
	rpc_put_size(m, address);
	rpc_put_size(m, size);
}

result_t vm_deallocate(const struct caller *c, port_t task, word_t address, word_t size)
{
	struct rpc m;

	begin_range(&m, task, ID_VM_DEALLOCATE, address, size);
	return call_and_end(c, &m);
}

result_t vm_protect(const struct caller *c, port_t task, word_t address, word_t size, uint32_t protection)
{
	struct rpc m;

	begin_range(&m, task, ID_VM_PROTECT, address, size);
	rpc_put_boolean(&m, false);	/* the current protection, not the maximum */
	rpc_put_number(&m, protection);
	return call_and_end(c, &m);
}

result_t vm_inherit(const struct caller *c, port_t task, word_t address, word_t size, uint32_t inheritance)
{
	struct rpc m;

	begin_range(&m, task, ID_VM_INHERIT, address, size);
	rpc_put_number(&m, inheritance);
	return call_and_end(c, &m);
}

result_t vm_wire(const struct caller *c, port_t host, port_t task, word_t address, word_t size, uint32_t access)
{
	struct rpc m;

	rpc_begin(&m, host, ID_VM_WIRE);
	rpc_put_port(&m, task);
	rpc_put_size(&m, address);
	rpc_put_size(&m, size);
	rpc_put_number(&m, access);
	return call_and_end(c, &m);
}

result_t vm_region(const struct caller *c, port_t task, word_t address, struct region *region)
{
	struct rpc m;
	port_t object;
	result_t result;

	rpc_begin(&m, task, ID_VM_REGION);
	rpc_put_size(&m, address);
	result = rpc_call(&m, c->reply);
	if (result)
		return result;
	region->start = rpc_get_word(&m);
	region->size = rpc_get_word(&m);
	region->protection = rpc_get_word(&m);
	region->max_protection = rpc_get_word(&m);
	region->inheritance = rpc_get_word(&m);
	rpc_get_word(&m);	/* shared or not */
	object = rpc_get_word(&m);
	result = rpc_end(&m);
	if (!result && object)
		result = mach_port_deallocate(c, c->task, object);
	return result;
}

result_t vm_wired_region(const struct caller *c, port_t task, word_t address, struct wired_region *region)
{
	struct rpc_array info;
	struct rpc m;
	port_t object;
	result_t result;

	rpc_begin(&m, task, ID_MACH_VM_REGION_INFO);
	rpc_put_size(&m, address);
	result = rpc_call(&m, c->reply);
	if (result)
		return result;
	info = rpc_get_array(&m);
	object = rpc_get_word(&m);
	if (rpc_end(&m) || info.out_of_line || info.count != REGION_WORDS)
		return RPC_WRONG_REPLY;
	memcpy(&region->start, info.words, sizeof region->start);
	memcpy(&region->end, info.words + sizeof region->start / sizeof *info.words, sizeof region->end);
	region->wired_count = info.words[REGION_WIRED];
	return object ? mach_port_deallocate(c, c->task, object) : 0;
}

result_t mach_port_names(const struct caller *c, port_t task, struct rpc_array *names, struct rpc_array *types)
{
	struct rpc m;
	result_t result;

	rpc_begin(&m, task, ID_MACH_PORT_NAMES);
	result = rpc_call(&m, c->reply);
	if (result)
		return result;
	*names = rpc_get_array(&m);
	*types = rpc_get_array(&m);
	if (rpc_end(&m) || !names->out_of_line || !types->out_of_line)
		return RPC_WRONG_REPLY;
	return 0;
}

result_t mach_port_allocate(const struct caller *c, port_t task, uint32_t right, port_t *name)
{
	struct rpc m;

	rpc_begin(&m, task, ID_MACH_PORT_ALLOCATE);
	rpc_put_number(&m, right);
	return call_for_word(c, &m, name);
}

result_t mach_port_deallocate(const struct caller *c, port_t task, port_t name)
{
	struct rpc m;

	rpc_begin(&m, task, ID_MACH_PORT_DEALLOCATE);
	rpc_put_name(&m, name);
	return call_and_end(c, &m);
}

result_t mach_port_destroy(const struct caller *c, port_t task, port_t name)
{
	struct rpc m;

	rpc_begin(&m, task, ID_MACH_PORT_DESTROY);
	rpc_put_name(&m, name);
	return call_and_end(c, &m);
}

result_t host_reboot(const struct caller *c, port_t host_priv)
{
	struct rpc m;

	rpc_begin(&m, host_priv, ID_HOST_REBOOT);
	rpc_put_number(&m, 0);
	return call_and_end(c, &m);
}

void sleep_for(const struct caller *c, uint32_t milliseconds)
{
	uint32_t nothing[RPC_WORDS];

	trap_message(nothing, MESSAGE_RECEIVE | MESSAGE_RECEIVE_TIMEOUT, 0, sizeof nothing, c->reply, milliseconds, 0);
}

void sleep_forever(const struct caller *c)
{
	uint32_t nothing[RPC_WORDS];

	for (;;)
		trap_message(nothing, MESSAGE_RECEIVE, 0, sizeof nothing, c->reply, 0, 0);
}
