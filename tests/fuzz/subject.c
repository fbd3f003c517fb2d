/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "subject.h"
#include "known.h"
#include "look.h"
#include "../storm/text.h"

enum { RIGHT_RECEIVE = 1, DONE_NAME = 0x6600, DONE_ID = 0x6601, STACK_WORDS = 4096 };

/* What both tasks see: the page is shared by the fork. */
static union {
	struct {
		const struct words *words;
		uint32_t number;
		uint32_t keep[MAX_CALLS / 32];
		volatile bool done;
		struct outcome outcome;
	};
	char page[PAGE];
} both __attribute__((aligned(PAGE)));

static struct subject subject;
static uint32_t stack[STACK_WORDS] __attribute__((aligned(16)));

static void step(unsigned index)
{
	struct call call = make_call(both.words->seed, both.number, index);
	const char *known;

	if (!(both.keep[index / 32] >> index % 32 & 1) || !can_perform(&subject, &call))
		return;
	known = known_defect(&subject.model, &call);
	if (known && !both.words->known) {
		both.outcome.steered++;
		return;
	}
	both.outcome.index = index;
	both.outcome.operation = call.operation;
	if (both.words->tell)
		tell_call(index, &call, known);
	perform(&subject, &call);
	if (both.words->tell)
		print_line("# after %u: %x", index, subject.digest);
	both.outcome.made++;
}

/* After the last call: all that is there, and that it can be given back. */
static void end(struct subject *s)
{
	look(s, 0, 0, PAGES);
	see_wired_sum(s, 0);
	for (unsigned i = 0; i < PAGES; i++)
		if (s->model.views[0].pages[i].mapped && s->model.views[0].pages[i].protection & PROT_READ)
			perform(s, &(struct call){ .operation = LOAD, .page = i, .pages = 1 });
	for (unsigned i = 0; i < COPIES; i++)
		drop_copy(s, &s->model.copies[i]);
	for (unsigned i = 1; i < VIEWS; i++)
		if (s->model.views[i].task)
			end_view(s, i);
	/* The task's end would do it as well: half of them leave it to that. */
	if (both.number % 2) {
		perform(s, &(struct call){ .operation = DEALLOCATE, .page = 0, .pages = PAGES });
		see_wired_sum(s, 0);
	}
}

static void subject_main(void *argument)
{
	struct rpc m;

	(void)argument;
	subject.caller = (struct caller){ .task = trap_task_self(), .reply = trap_reply_port() };
	subject.host = trap_host_self();
	subject.model.place = both.number / 2 % 2 ? FIRST_PLACE : FAR_PLACE;
	subject.model.views[0].task = subject.caller.task;
	for (unsigned index = 0; index < both.words->calls && !subject.failure.what; index++)
		step(index);
	if (!subject.failure.what)
		end(&subject);
	both.outcome.digest = subject.digest;
	both.outcome.failure = subject.failure;
	both.done = true;
	rpc_begin(&m, DONE_NAME, DONE_ID);
	rpc_send(&m);
	sleep_forever(&subject.caller);
}

static bool start(const struct caller *c, port_t done, port_t *task, port_t *thread, struct failure *failure)
{
	uint32_t *top = &stack[STACK_WORDS - 8];
	struct caller in_subject = { .reply = c->reply };

	top[0] = top[1] = 0;
	if (!expect(failure, "task_create", 0, task_fork(c, task), 0))
		return false;
	in_subject.task = *task;
	return expect(failure, "mach_port_insert_right", 0, insert_right(c, *task, DONE_NAME, done), 0) &&
	       expect(failure, "thread_create", 0, thread_create(&in_subject, thread), 0) &&
	       expect(failure, "thread_set_state", 0, thread_set_entry(c, *thread, (uint32_t)subject_main, (uint32_t)top), 0) &&
	       expect(failure, "thread_resume", 0, thread_resume(c, *thread), 0);
}

struct outcome run_case(const struct caller *c, const struct words *words, uint32_t number, const uint32_t keep[MAX_CALLS / 32])
{
	static port_t done;
	struct failure failure = { 0 };
	struct outcome outcome;
	port_t task, thread;

	if (!done) {
		expect(&failure, "mach_port_allocate", 0, mach_port_allocate(c, c->task, RIGHT_RECEIVE, &done), 0);
		expect(&failure, "vm_inherit", 0, vm_inherit(c, c->task, (uint32_t)&both, sizeof both, INHERIT_SHARE), 0);
	}
	memset(&both, 0, sizeof both);
	both.words = words;
	both.number = number;
	memcpy(both.keep, keep, sizeof both.keep);
	if (failure.what || !start(c, done, &task, &thread, &failure))
		return (struct outcome){ .end = NOT_MADE, .failure = failure };
	wait_for_message(done, words->patience * 1000);
	outcome = both.outcome;
	outcome.end = !both.done ? STUCK : outcome.failure.what ? WRONG : ENDED;
	if (outcome.end == STUCK)
		return outcome;
	expect(&failure, "task_terminate", 0, task_terminate(c, task), 0);
	expect(&failure, "mach_port_deallocate of the task", 0, mach_port_deallocate(c, c->task, task), 0);
	expect(&failure, "mach_port_deallocate of the thread", 0, mach_port_deallocate(c, c->task, thread), 0);
	if (failure.what)
		return (struct outcome){ .end = NOT_MADE, .failure = failure };
	return outcome;
}
