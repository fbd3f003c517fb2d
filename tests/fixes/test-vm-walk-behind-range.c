/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory of the kernel's map is wired, while the entry behind it comes and
 * goes, and its place in memory goes to entries of a task.
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

#define SECONDS 30
#define THREADS 4
#define PAGES 4
#define ROOM 256

static volatile bool started, stop, ended[THREADS];
static volatile unsigned calls[THREADS];
static task_t kernel_task;
static vm_address_t region, behind, own;

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

/* Where the kernel finds room for itself first, so that it leaves the page
   alone that comes and goes.  */
static vm_address_t allocate_behind_room(vm_size_t size)
{
  vm_size_t room = ROOM * vm_page_size;
  vm_address_t start;
  int err;

  err = vm_allocate(kernel_task, &start, room + vm_page_size + size, TRUE);
  ASSERT_RET(err, "vm_allocate in the kernel's map");
  err = vm_deallocate(kernel_task, start, room);
  ASSERT_RET(err, "vm_deallocate in the kernel's map");
  return start + room + vm_page_size;
}

static void wire(void)
{
  int err;

  err = vm_wire(host_priv(), kernel_task, region, PAGES * vm_page_size,
                VM_PROT_DEFAULT);
  ASSERT_RET(err, "vm_wire");
  err = vm_wire(host_priv(), kernel_task, region, PAGES * vm_page_size,
                VM_PROT_NONE);
  ASSERT_RET(err, "vm_wire of nothing");
}

static void change_neighbour(void)
{
  int err;

  err = vm_map(kernel_task, &behind, vm_page_size, 0, FALSE, MACH_PORT_NULL, 0,
               FALSE, VM_PROT_DEFAULT, VM_PROT_DEFAULT, VM_INHERIT_NONE);
  if (err == KERN_NO_SPACE)
    return;
  ASSERT_RET(err, "vm_map behind");
  err = vm_deallocate(kernel_task, behind, vm_page_size);
  ASSERT_RET(err, "vm_deallocate behind");
}

/* Wired once each, so that a stray walk would wire them again.  */
static void take_entries(long self)
{
  vm_address_t page = own + 2 * self * vm_page_size;
  int err;

  err = vm_map(mach_task_self(), &page, vm_page_size, 0, FALSE, MACH_PORT_NULL,
               0, FALSE, VM_PROT_DEFAULT, VM_PROT_DEFAULT, VM_INHERIT_NONE);
  ASSERT_RET(err, "vm_map");
  err = vm_wire(mach_host_self(), mach_task_self(), page, vm_page_size,
                VM_PROT_DEFAULT);
  ASSERT_RET(err, "vm_wire");
  err = vm_deallocate(mach_task_self(), page, vm_page_size);
  ASSERT_RET(err, "vm_deallocate");
}

static void step(long self)
{
  if (self == 0)
    wire();
  else if (self == 1)
    change_neighbour();
  else
    take_entries(self);
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
  /* Not before: the threads' stacks would take it.  */
  err = vm_deallocate(mach_task_self(), own, 2 * THREADS * vm_page_size);
  ASSERT_RET(err, "vm_deallocate");
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
  int err;

  kernel_task = find_kernel_task();
  region = allocate_behind_room((PAGES + 2) * vm_page_size);
  behind = region + PAGES * vm_page_size;
  err = vm_deallocate(kernel_task, behind, vm_page_size);
  ASSERT_RET(err, "vm_deallocate behind");
  err = vm_allocate(mach_task_self(), &own, 2 * THREADS * vm_page_size, TRUE);
  ASSERT_RET(err, "vm_allocate");
  run_threads();
  err = vm_deallocate(kernel_task, region, PAGES * vm_page_size);
  ASSERT_RET(err, "vm_deallocate in the kernel's map");
  return 0;
}
