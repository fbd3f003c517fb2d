/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads of one task that change the inheritance of pages, beside others
 * that allocate and deallocate the pages next to them.  A call that looks
 * into the map without its lock trips over an entry that another one freed.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/processor_info.h>
#include <mach/vm_inherit.h>

#include <mach.user.h>
#include <mach_host.user.h>

#define SECONDS 20
#define SLICES 6
#define SLICE_PAGES 8

static volatile bool started, stop, ended[SLICES];
static volatile unsigned calls[SLICES];
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

/* Clips and merges entries, with a look for projected buffers first.  */
static void change_inheritance(vm_address_t slice, unsigned random)
{
  vm_address_t page = slice + (random >> 16) % SLICE_PAGES * vm_page_size;
  int err = vm_inherit(mach_task_self(), page, 2 * vm_page_size,
                       random >> 24 & 1 ? VM_INHERIT_COPY : VM_INHERIT_NONE);
  ASSERT_RET(err, "vm_inherit");
}

/* Frees entries, which another map or another page may get next.  */
static void allocate_anew(vm_address_t slice, unsigned random)
{
  vm_address_t page = slice + (random >> 16) % SLICE_PAGES * vm_page_size;
  int err;

  err = vm_deallocate(mach_task_self(), page, vm_page_size);
  ASSERT_RET(err, "vm_deallocate");
  err = vm_allocate(mach_task_self(), &page, vm_page_size, FALSE);
  ASSERT_RET(err, "vm_allocate");
}

static void thread_main(void *arg)
{
  long self = (long)arg;
  vm_address_t slice = region + self * SLICE_PAGES * vm_page_size;
  unsigned random = self + 1;

  while (!started)
    msleep(10);
  while (!stop)
    {
      random = random * 1103515245 + 12345;
      if (self % 2)
        allocate_anew(slice, random);
      else
        change_inheritance(slice, random);
      calls[self]++;
    }
  ended[self] = true;
  thread_terminate(mach_thread_self());
  FAILURE("thread_terminate");
}

int main(int argc, char *argv[], int envc, char *envp[])
{
  processor_set_t other = other_cpus();
  unsigned total = 0;
  bool busy;
  int err;

  /* The last thread changes a page of the slice behind its own.  */
  err = vm_allocate(mach_task_self(), &region,
                    (SLICES + 1) * SLICE_PAGES * vm_page_size, TRUE);
  ASSERT_RET(err, "vm_allocate");
  for (long i = 0; i < SLICES; i++)
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
      for (int i = 0; i < SLICES; i++)
        busy |= !ended[i];
    }
  while (busy);
  for (int i = 0; i < SLICES; i++)
    {
      ASSERT(calls[i] > 0, "a thread did not get to run");
      total += calls[i];
    }
  printf("%u calls\n", total);
  return 0;
}
