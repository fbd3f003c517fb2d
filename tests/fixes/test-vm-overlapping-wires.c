/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads wire and unwire overlapping ranges of the kernel's map, and clip
 * them, while others are at it.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/processor_info.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>

#include <gnumach.user.h>
#include <mach.user.h>
#include <mach_host.user.h>

#define SECONDS 15
#define THREADS 4
#define PAGES 16

static volatile bool started, stop, ended[THREADS];
static volatile unsigned calls[THREADS];
static task_t kernel_task;
static vm_address_t region;

/* With one CPU, or one set of them, the threads run where the test does.  */
static processor_set_t other_cpus(void)
{
  processor_set_name_t *sets, default_set, name = MACH_PORT_NULL;
  processor_set_t other;
  mach_msg_type_number_t n, count;
  struct processor_set_basic_info info;
  mach_port_t host;
  int err;

  err = processor_set_default(mach_host_self(), &default_set);
  ASSERT_RET(err, "processor_set_default");
  err = host_processor_sets(host_priv(), &sets, &n);
  ASSERT_RET(err, "host_processor_sets");
  for (mach_msg_type_number_t i = 0; i < n; i++)
    {
      count = PROCESSOR_SET_BASIC_INFO_COUNT;
      err = processor_set_info(sets[i], PROCESSOR_SET_BASIC_INFO, &host,
                               (processor_set_info_t)&info, &count);
      ASSERT_RET(err, "processor_set_info");
      if (sets[i] != default_set && info.processor_count > 0)
        name = sets[i];
    }
  if (name == MACH_PORT_NULL)
    {
      printf("no other CPUs: staying on this one\n");
      return MACH_PORT_NULL;
    }
  err = host_processor_set_priv(host_priv(), name, &other);
  ASSERT_RET(err, "host_processor_set_priv");
  return other;
}

/* There are two tasks: the kernel's and this one.  */
static task_t find_kernel_task(void)
{
  processor_set_name_t name;
  processor_set_t set;
  task_t *tasks;
  mach_msg_type_number_t n;
  int err;

  err = processor_set_default(mach_host_self(), &name);
  ASSERT_RET(err, "processor_set_default");
  err = host_processor_set_priv(host_priv(), name, &set);
  ASSERT_RET(err, "host_processor_set_priv");
  err = processor_set_tasks(set, &tasks, &n);
  ASSERT_RET(err, "processor_set_tasks");
  ASSERT(n == 2, "expected the kernel's task and this one");
  return tasks[0] == mach_task_self() ? tasks[1] : tasks[0];
}

/* Each its own half of the pages, and some of the next thread's.  */
static void step(long self)
{
  vm_address_t start = region + self * PAGES / 2 * vm_page_size;
  vm_size_t size = PAGES * vm_page_size;
  int err;

  err = vm_wire(host_priv(), kernel_task, start, size, VM_PROT_DEFAULT);
  ASSERT_RET(err, "vm_wire");
  err = vm_inherit(kernel_task, start + 3 * vm_page_size, vm_page_size,
                   calls[self] % 2 ? VM_INHERIT_COPY : VM_INHERIT_NONE);
  ASSERT_RET(err, "vm_inherit");
  err = vm_wire(host_priv(), kernel_task, start, size, VM_PROT_NONE);
  ASSERT_RET(err, "vm_wire of nothing");
}

static void thread_main(void *arg)
{
  long self = (long)arg;

  while (!started)
    msleep(10);
  while (!stop)
    {
      step(self);
      calls[self]++;
    }
  ended[self] = true;
  thread_terminate(mach_thread_self());
  FAILURE("thread_terminate");
}

static void run_threads(void)
{
  processor_set_t other = other_cpus();
  unsigned total = 0;
  bool busy;
  int err;

  for (long i = 0; i < THREADS; i++)
    {
      thread_t thread = test_thread_start(mach_task_self(), thread_main,
                                          (void *)i);
      if (other != MACH_PORT_NULL)
        {
          err = thread_assign(thread, other);
          ASSERT_RET(err, "thread_assign");
        }
    }
  started = true;
  msleep(SECONDS * 1000);
  stop = true;
  do
    {
      msleep(100);
      busy = false;
      for (int i = 0; i < THREADS; i++)
        busy |= !ended[i];
    }
  while (busy);
  for (int i = 0; i < THREADS; i++)
    {
      ASSERT(calls[i] > 0, "a thread did not get to run");
      total += calls[i];
    }
  printf("%u calls\n", total);
}

int main(int argc, char *argv[], int envc, char *envp[])
{
  vm_size_t size = (THREADS + 1) * PAGES / 2 * vm_page_size;
  int err;

  kernel_task = find_kernel_task();
  err = vm_allocate(kernel_task, &region, size, TRUE);
  ASSERT_RET(err, "vm_allocate in the kernel's map");
  run_threads();
  err = vm_wire(host_priv(), kernel_task, region, size, VM_PROT_NONE);
  ASSERT_RET(err, "vm_wire of nothing");
  err = vm_deallocate(kernel_task, region, size);
  ASSERT_RET(err, "vm_deallocate in the kernel's map");
  return 0;
}
