/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "subject.h"
#include "contents.h"
#include "known.h"
#include "last.h"
#include "look.h"
#include "objects.h"
#include "touch.h"
#include "../storm/text.h"

enum { WAITED = 100, WAIT_MILLISECONDS = 10 };
enum { RIGHT_RECEIVE = 1, DONE_NAME = 0x6600, DONE_ID = 0x6601, HOST_NAME = 0x6602, STACK_WORDS = 4096 };
/* Up to where a task's memory can reach. */
static const uint32_t ALL_MEMORY = 0xc0000000;

/* What both tasks see: the page is shared by the fork. */
static union {
	struct {
		const struct words *words;
		uint32_t number;
		uint32_t objects;	/* that the kernel has while there is no case */
		uint32_t keep[MAX_CALLS / 32];
		volatile uint32_t finished;	/* threads */
		volatile bool done;
		struct outcome outcome;
	};
	char page[PAGE];
} both __attribute__((aligned(PAGE)));

static struct subject subject;
static uint32_t stacks[MAX_THREADS][STACK_WORDS] __attribute__((aligned(16)));

static void step(unsigned index)
{
	struct call call = make_call(both.words->seed, both.number, index);
	const char *known;

	if (!(both.keep[index / 32] >> index % 32 & 1) || !can_perform(&subject, &call))
		return;
	known = known_defect(&subject.model, &call, (struct kept_away){ both.words->sound, both.words->fixed });
	if (known && !both.words->known) {
		both.outcome.steered++;
		return;
	}
	both.outcome.index = index;
	both.outcome.operation = call.operation;
	set_last(0, both.number, index, &call);
	if (both.words->tell)
		tell_call(index, &call, known);
	perform(&subject, &call);
	if (both.words->tell)
		print_line("# after %u: %x", index, subject.digest);
	both.outcome.made++;
}

/*
 * As much memory anywhere as each hole of the arena has, the small ones first: one that the kernel has lost sight of is not found
 * again, and what was to go there goes elsewhere.
 */
static void fill_holes(struct subject *s)
{
	unsigned holes[PAGES + 1] = { 0 }, run = 0;

	for (unsigned i = 0; i <= PAGES; i++) {
		if (i < PAGES && !s->model.views[0].pages[i].mapped) {
			run++;
			continue;
		}
		holes[run]++;
		run = 0;
	}
	for (unsigned pages = 1; pages <= PAGES; pages++)
		while (holes[pages]--)
			perform(s, &(struct call){ .operation = ALLOCATE_ANYWHERE, .pages = pages });
}

/* After the last call: all that is there, and that it can be given back. */
static void end(struct subject *s)
{
	look(s, 0, 0, PAGES);
	note_objects(s);
	see_wired_sum(s, 0);
	/* With what comes wired, that would meet wire-future-extends. */
	if (!s->model.views[0].future)
		fill_holes(s);
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

/* Only the last of them comes back. */
static void run_in_crowd(unsigned thread)
{
	struct caller caller = { .task = trap_task_self(), .reply = trap_reply_port() };
	port_t host = trap_host_self();

	for (unsigned index = 0; index < both.words->calls * both.words->rounds; index++) {
		struct call call = crowd_call(both.words->seed, both.number, thread, index,
					      both.words->known || both.words->fixed, both.words->sound);

		both.outcome.in[thread] = call.operation;
		set_last(thread, both.number, index, &call);
		attempt(&caller, host, &call);
		__sync_fetch_and_add(&both.outcome.made, 1);
	}
	both.outcome.in[thread] = OPERATIONS;
	if (__sync_add_and_fetch(&both.finished, 1) < both.words->threads)
		sleep_forever(&caller);
	subject.caller = caller;
	subject.host = host;
	end_crowd(&subject);
	/* In what order the threads ran is nobody's answer. */
	subject.digest = 0;
}

/* Forks have the arena's memory alone: all of that can be wired, and no program runs in them. */
static void leave_program_behind(struct subject *s)
{
	expect(&s->failure, "vm_inherit of the program", 0,
	       vm_inherit(&s->caller, s->caller.task, 0, ALL_MEMORY, INHERIT_NONE), 0);
}

static void run_alone(void)
{
	/* The last case's was here. */
	memset(&subject, 0, sizeof subject);
	subject.caller = (struct caller){ .task = trap_task_self(), .reply = trap_reply_port() };
	subject.host = trap_host_self();
	subject.host_priv = both.words->privileged ? HOST_NAME : 0;
	leave_program_behind(&subject);
	subject.objects = both.objects;
	subject.maps_all = !(both.words->known || both.words->fixed);
	subject.model.failed_wiring = both.words->fixed ? TAKES_ENTRY_BACK : both.words->sound ? TAKES_CALL_BACK : IS_HIDDEN;
	subject.model.place = both.number / 2 % 2 ? FIRST_PLACE : FAR_PLACE;
	subject.model.views[0].task = subject.caller.task;
	start_objects(&subject.model, object_words);
	for (unsigned index = 0; index < both.words->calls && !subject.failure.what; index++)
		step(index);
	if (!subject.failure.what)
		end(&subject);
}

static void subject_main(uint32_t thread)
{
	struct rpc m;

	if (both.words->threads > 1)
		run_in_crowd(thread);
	else
		run_alone();
	both.outcome.digest = subject.digest;
	both.outcome.failure = subject.failure;
	both.done = true;
	rpc_begin(&m, DONE_NAME, DONE_ID);
	rpc_send(&m);
	sleep_forever(&subject.caller);
}

struct started {
	port_t task, threads[MAX_THREADS];
};

static bool start(const struct caller *c, const struct cpus *cpus, const struct words *words, port_t done,
		  struct started *started, struct failure *failure)
{
	uint32_t threads = words->threads;
	struct caller in_subject = { .reply = c->reply };
	bool good;

	/* A C function finds its argument above its return address; the fork has its own stacks. */
	for (uint32_t i = 0; i < threads; i++) {
		stacks[i][STACK_WORDS - 8] = 0;
		stacks[i][STACK_WORDS - 7] = i;
	}
	if (!expect(failure, "task_create", 0, task_fork(c, &started->task), 0))
		return false;
	in_subject.task = started->task;
	if (words->privileged &&
	    !expect(failure, "mach_port_insert_right of the host", 0, insert_sent_right(started->task, HOST_NAME, words->host_priv), 0))
		return false;
	good = expect(failure, "mach_port_insert_right", 0, insert_right(started->task, DONE_NAME, done), 0) &&
	       take_exceptions(c, started->task, done, failure) && give_objects(started->task, failure);
	for (uint32_t i = 0; good && i < threads; i++) {
		port_t *thread = &started->threads[i];

		good = expect(failure, "thread_create", i, thread_create(&in_subject, thread), 0) &&
		       expect(failure, "thread_set_state", i,
			      set_entry(c, *thread, (uint32_t)subject_main, (uint32_t)&stacks[i][STACK_WORDS - 8]), 0) &&
		       /* One thread alone is quickest where this task is. */
		       (threads == 1 || move_to_other_cpus(c, cpus, *thread, failure));
	}
	for (uint32_t i = 0; good && i < threads; i++)
		good = expect(failure, "thread_resume", i, thread_resume(c, started->threads[i]), 0);
	return good;
}

/* A case must not find the last one's task still on its way out: what the kernel has in use is part of the answers. */
static bool await_last(const struct caller *c, struct failure *failure)
{
	static uint32_t before;
	static port_t set;
	struct set_size size;

	if (!set && !expect(failure, "processor_set_default", 0, processor_set_default(c, trap_host_self(), &set), 0))
		return false;
	for (unsigned waited = 0; waited < WAITED; waited++) {
		if (!expect(failure, "processor_set_info", 0, processor_set_size(c, set, &size), 0))
			return false;
		if (!before)
			before = size.tasks;
		if (size.tasks <= before && are_unmapped())
			break;
		sleep_for(c, WAIT_MILLISECONDS);
	}
	return true;
}

/* Until the subject's last message comes, or none at all for so long. */
static void await_end(const struct caller *c, port_t done, uint32_t milliseconds, struct failure *failure)
{
	struct rpc message;

	while (!rpc_receive_within(&message, done, milliseconds) && answer_exception(c, &message, failure))
		continue;
}

/*
 * One thread's program is the first task's own: nothing of it has to be copied, or merged again once the subject is gone. Several
 * threads have a copy, and each fork of theirs has one of it, which is a load in itself.
 */
static bool share_memory(const struct caller *c, uint32_t threads, struct failure *failure)
{
	if (threads > 1)
		return share_last(c, failure) &&
		       expect(failure, "vm_inherit", 0, vm_inherit(c, c->task, (uint32_t)&both, sizeof both, INHERIT_SHARE), 0);
	return expect(failure, "vm_inherit", 0, vm_inherit(c, c->task, 0, ALL_MEMORY, INHERIT_SHARE), 0) &&
	       make_room_for_data(c, failure);
}

/* That the kernel has while there is no case; the first fork is as much of one as changes what this task's memory consists of. */
static void count_objects(const struct caller *c, uint32_t *objects, struct failure *failure)
{
	struct in_use in_use = { 0 };
	port_t fork = 0;

	if (expect(failure, "task_create", 0, task_fork(c, &fork), 0) &&
	    expect(failure, "task_terminate", 0, task_terminate(c, fork), 0) &&
	    expect(failure, "mach_port_destroy", 0, mach_port_destroy(c, c->task, fork), 0))
		expect(failure, "host_slab_info", 0, counts_in_use(c, trap_host_self(), &in_use), 0);
	*objects = in_use.objects;
}

struct outcome run_case(const struct caller *c, const struct cpus *cpus, const struct words *words, uint32_t number,
			const uint32_t keep[MAX_CALLS / 32])
{
	static port_t done;
	static uint32_t objects;
	struct failure failure = { 0 };
	struct outcome outcome;
	struct started started;

	if (!done) {
		mark_last();
		start_pagers(c, &failure);
		expect(&failure, "mach_port_allocate", 0, mach_port_allocate(c, c->task, RIGHT_RECEIVE, &done), 0);
		if (share_memory(c, words->threads, &failure) && words->threads == 1)
			count_objects(c, &objects, &failure);
	}
	memset(&both, 0, sizeof both);
	both.objects = objects;
	clear_last();
	memset((void *)both.outcome.in, OPERATIONS, sizeof both.outcome.in);
	both.words = words;
	both.number = number;
	memcpy(both.keep, keep, sizeof both.keep);
	if (failure.what || !await_last(c, &failure) || !start(c, cpus, words, done, &started, &failure))
		return (struct outcome){ .end = NOT_MADE, .failure = failure };
	await_end(c, done, words->patience * 1000, &failure);
	outcome = both.outcome;
	outcome.end = !both.done ? STUCK : outcome.failure.what ? WRONG : ENDED;
	if (outcome.end == STUCK)
		return outcome;
	/* One that has had an exception would leave a port, if it were not taken from it: reply-port-left of docs/upstream.md. */
	for (uint32_t i = 0; i < words->threads; i++)
		expect(&failure, "thread_abort", i, thread_abort(c, started.threads[i]), 0);
	expect(&failure, "task_terminate", 0, task_terminate(c, started.task), 0);
	/* Exceptions have brought more of them. */
	expect(&failure, "mach_port_destroy of the task", 0, mach_port_destroy(c, c->task, started.task), 0);
	for (uint32_t i = 0; i < words->threads; i++)
		expect(&failure, "mach_port_destroy of a thread", i, mach_port_destroy(c, c->task, started.threads[i]), 0);
	if (failure.what)
		return (struct outcome){ .end = NOT_MADE, .failure = failure };
	return outcome;
}
