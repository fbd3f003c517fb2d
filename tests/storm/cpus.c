/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpus.h"
#include "text.h"
#include "workers.h"

uint32_t current_cpu_bit(void)
{
	uint32_t eax = 1, ebx, ecx = 0, edx;

	/* The top byte of ebx is the executing CPU's initial APIC number. */
	asm volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	return 1u << (ebx >> 24 & 31);
}

static unsigned count_bits(uint32_t bits)
{
	unsigned count = 0;

	for (; bits; bits &= bits - 1)
		count++;
	return count;
}

void find_cpus(const struct caller *c, port_t host_priv, struct cpus *cpus, struct failure *failure)
{
	port_t host = trap_host_self(), default_name;
	struct rpc_array names;
	struct set_size size;

	*cpus = (struct cpus){ .boot_bit = current_cpu_bit() };
	if (!expect(failure, "processor_set_default", 0, processor_set_default(c, host, &default_name), 0) ||
	    !expect(failure, "host_processor_sets", 0, host_processor_sets(c, host_priv, &names), 0))
		return;
	for (unsigned i = 0; i < names.count; i++) {
		port_t name = names.words[i];

		if (!expect(failure, "processor_set_info", i, processor_set_size(c, name, &size), 0))
			return;
		print_line("# processor set %u%s: %u processors, %u threads", i, name == default_name ? " (default)" : "",
			   size.processors, size.threads);
		if (name == default_name || size.processors <= cpus->others)
			continue;
		cpus->others = size.processors;
		cpus->set_name = name;
	}
	expect(failure, "vm_deallocate of the sets", 0, drop_array(c, &names), 0);
	if (cpus->others)
		expect(failure, "host_processor_set_priv", 0,
		       host_processor_set_priv(c, host_priv, cpus->set_name, &cpus->set), 0);
}

bool move_to_other_cpus(const struct caller *c, const struct cpus *cpus, port_t thread, struct failure *failure)
{
	port_t name = 0;

	if (!cpus->others)
		return true;
	return expect(failure, "thread_assign", thread, thread_assign(c, thread, cpus->set), 0) &&
	       expect(failure, "thread_get_assignment", thread, thread_get_assignment(c, thread, &name), 0) &&
	       expect(failure, "the thread's processor set", thread, name, cpus->set_name);
}

bool check_thread_list(const struct caller *c, const struct cpus *cpus, const struct worker *workers, unsigned count,
		       struct failure *failure)
{
	struct rpc_array threads;
	unsigned found = 0;

	if (!cpus->others)
		return true;
	if (!expect(failure, "processor_set_threads", 0, processor_set_threads(c, cpus->set, &threads), 0))
		return false;
	for (unsigned i = 0; i < count; i++)
		for (unsigned j = 0; j < threads.count; j++)
			found += threads.words[j] == workers[i].thread;
	/* The list brought one more reference for each name in it. */
	for (unsigned j = 0; j < threads.count; j++)
		expect(failure, "mach_port_deallocate of a listed thread", j,
		       mach_port_deallocate(c, c->task, threads.words[j]), 0);
	expect(failure, "vm_deallocate of the thread list", 0, drop_array(c, &threads), 0);
	return expect(failure, "threads in the other processor set's list", 0, found, count);
}

void report_cpus(const struct cpus *cpus)
{
	const char *name = "the loads' threads ran on every CPU but the boot CPU";
	struct failure failure = { 0 };

	print_line("# CPUs by their own number: boot 0x%x, threads 0x%x; by the kernel's slots: threads 0x%x", cpus->boot_bit,
		   cpus->seen_by_threads, cpus->seen_by_kernel);
	if (!cpus->others) {
		report_skip(name, "the host has no other processor set with a processor");
		return;
	}
	expect(&failure, "threads that ran on the boot CPU", cpus->threads, cpus->threads_on_boot, 0);
	expect(&failure, "CPUs that the threads found themselves on", cpus->threads, count_bits(cpus->seen_by_threads),
	       cpus->others);
	report_point(name, &failure);
}
