/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two loads for the coalescing of entries while others wire them, by threads
 * on every CPU but the boot CPU.  A kernel that gets it wrong hangs, or stops
 * in one of its own assertions.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/processor_info.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>

#include <mach.user.h>
#include <mach_host.user.h>
#include <mach_port.user.h>

#define LOAD_SECONDS 10

#define NAMES 3000
#define NAMES_THREADS 16

#define SLICE_PAGES 9
#define SLICES 8

static void (*volatile load)(long self);
static volatile bool started, stop;
static volatile unsigned calls[NAMES_THREADS];
static volatile bool ended[NAMES_THREADS];

static processor_set_t other_cpus;
static task_t kernel_task;
static vm_address_t region;

/* With one CPU, or one set of them, the loads run where the test does.  */
static void find_other_cpus(void)
{
  processor_set_name_t *sets, default_set, name = MACH_PORT_NULL;
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
      printf("processor set %d: %d CPUs%s\n", i, info.processor_count,
             sets[i] == default_set ? ", the boot CPU's" : "");
      if (sets[i] != default_set && info.processor_count > 0)
        name = sets[i];
    }
  if (name == MACH_PORT_NULL)
    {
      printf("no other CPUs: staying on this one\n");
      return;
    }
  err = host_processor_set_priv(host_priv(), name, &other_cpus);
  ASSERT_RET(err, "host_processor_set_priv");
}

/* There are two tasks: the kernel's and this one.  */
static void find_kernel_task(void)
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
  kernel_task = tasks[0] == mach_task_self() ? tasks[1] : tasks[0];
}

static void thread_main(void *arg)
{
  long self = (long)arg;

  while (!started)
    msleep(10);
  load(self);
  ended[self] = true;
  thread_terminate(mach_thread_self());
  FAILURE("thread_terminate");
}

static void run_load(const char *name, void (*body)(long), long threads)
{
  unsigned total = 0;
  bool busy;
  int err;

  printf("%s: %ld threads\n", name, threads);
  load = body;
  started = stop = false;
  for (long i = 0; i < threads; i++)
    {
      calls[i] = 0;
      ended[i] = false;
      thread_t thread = test_thread_start(mach_task_self(), thread_main,
                                          (void *)i);
      if (other_cpus != MACH_PORT_NULL)
        {
          err = thread_assign(thread, other_cpus);
          ASSERT_RET(err, "thread_assign");
        }
    }

  started = true;
  msleep(LOAD_SECONDS * 1000);
  stop = true;
  do
    {
      msleep(100);
      busy = false;
      for (long i = 0; i < threads; i++)
        busy |= !ended[i];
    }
  while (busy);

  for (long i = 0; i < threads; i++)
    {
      ASSERT(calls[i] > 0, "a thread did not get to run");
      total += calls[i];
    }
  printf("%s: %u calls\n", name, total);
}

/*
 * The kernel wires a buffer of its own for each list of names, and unwires it
 * to copy it out: adjacent buffers are wired and coalesced at the same time.
 */
static void list_names(long self)
{
  mach_port_name_t *names;
  mach_port_type_t *types;
  mach_msg_type_number_t n, n_types;
  int err;

  while (!stop)
    {
      err = mach_port_names(mach_task_self(), &names, &n, &types, &n_types);
      ASSERT_RET(err, "mach_port_names");
      ASSERT(n == n_types && n > NAMES, "wrong number of names");
      syscall_vm_deallocate(mach_task_self(), (vm_offset_t)names,
                            n * sizeof *names);
      syscall_vm_deallocate(mach_task_self(), (vm_offset_t)types,
                            n * sizeof *types);
      calls[self]++;
    }
}

static vm_inherit_t page_inheritance(long page)
{
  return page % 2 ? VM_INHERIT_NONE : VM_INHERIT_COPY;
}

/*
 * Each thread wires and unwires pages of its own in the kernel's map, and in
 * between changes its outermost ones, so that they coalesce with their
 * neighbours, which another thread may be wiring.
 */
static void wire_slice(long self)
{
  vm_size_t size = SLICE_PAGES * vm_page_size;
  vm_address_t start = region + self * size;
  vm_address_t edges[2] = { start, start + size - vm_page_size };
  vm_inherit_t now[2] = { VM_INHERIT_COPY, VM_INHERIT_COPY };
  unsigned random = self + 1;
  int err;

  while (!stop)
    {
      err = vm_wire(host_priv(), kernel_task, start, size, VM_PROT_DEFAULT);
      ASSERT_RET(err, "vm_wire");
      for (int i = 0; i < 3; i++)
        {
          random = random * 1103515245 + 12345;
          int edge = random >> 16 & 1;
          now[edge] = now[edge] == VM_INHERIT_COPY ? VM_INHERIT_NONE
                                                   : VM_INHERIT_COPY;
          err = vm_inherit(kernel_task, edges[edge], vm_page_size, now[edge]);
          ASSERT_RET(err, "vm_inherit");
        }
      err = vm_wire(host_priv(), kernel_task, start, size, VM_PROT_NONE);
      ASSERT_RET(err, "vm_wire of nothing");
      calls[self] += 5;
    }
}

/* Wired once, the region has one object before it becomes many entries.  */
static void make_region(void)
{
  vm_size_t size = SLICES * SLICE_PAGES * vm_page_size;
  int err;

  err = vm_allocate(kernel_task, &region, size, TRUE);
  ASSERT_RET(err, "vm_allocate in the kernel's map");
  err = vm_wire(host_priv(), kernel_task, region, size, VM_PROT_DEFAULT);
  ASSERT_RET(err, "vm_wire");
  err = vm_wire(host_priv(), kernel_task, region, size, VM_PROT_NONE);
  ASSERT_RET(err, "vm_wire of nothing");
  for (long page = 0; page < SLICES * SLICE_PAGES; page++)
    {
      err = vm_inherit(kernel_task, region + page * vm_page_size, vm_page_size,
                       page_inheritance(page % SLICE_PAGES));
      ASSERT_RET(err, "vm_inherit");
    }
}

int main(int argc, char *argv[], int envc, char *envp[])
{
  mach_port_t name;
  int err;

  find_other_cpus();
  for (int i = 0; i < NAMES; i++)
    {
      err = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_DEAD_NAME,
                               &name);
      ASSERT_RET(err, "mach_port_allocate");
    }
  run_load("mach_port_names", list_names, NAMES_THREADS);

  find_kernel_task();
  make_region();
  run_load("vm_wire in the kernel's map", wire_slice, SLICES);
  err = vm_deallocate(kernel_task, region,
                      SLICES * SLICE_PAGES * vm_page_size);
  ASSERT_RET(err, "vm_deallocate in the kernel's map");
  return 0;
}
