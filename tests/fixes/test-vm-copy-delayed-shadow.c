/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copies of shared memory are made while pages of older copies are touched
 * for the first time.  None may be found empty.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/processor_info.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>

#include <mach.user.h>
#include <mach_host.user.h>

#define SECONDS 20
#define THREADS 3
#define PAGES 64

static volatile bool started, stop, ended[THREADS];
static volatile unsigned calls[THREADS];
static vm_address_t shared;
static volatile vm_address_t copy[2];
static volatile unsigned made, seen[THREADS];

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


/* A page of the newest copy makes the next copy another object.  */
static void make_copy(void)
{
  vm_size_t size = PAGES * vm_page_size;
  vm_offset_t next;
  mach_msg_type_number_t n;
  unsigned number = made;
  int err;

  *(volatile int *)shared = number + 1;
  /* Once the others are at the newest copy, make one more.  */
  for (int i = 1; i < THREADS; i++)
    while (seen[i] < number && !stop)
      continue;
  err = vm_read(mach_task_self(), shared, size, &next, &n);
  ASSERT_RET(err, "vm_read");
  if (number >= 2)
    {
      for (int i = 1; i < THREADS; i++)
        while (seen[i] < number - 1 && !stop)
          continue;
    }
  copy[(number + 1) % 2] = next;
  made = number + 1;
}

static void touch_copy(long self)
{
  unsigned number = made;
  vm_address_t start = copy[number % 2];

  if (number == 0 || number == seen[self])
    return;
  seen[self] = number;
  for (int i = 1 + (self - 1); i < PAGES; i += THREADS - 1)
    if (i > 0 && *(volatile int *)(start + i * vm_page_size) != i)
      FAILURE("a page of the copy is empty");
}

static void step(long self)
{
  if (self == 0)
    make_copy();
  else
    touch_copy(self);
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
  task_t child;
  int err;

  err = vm_allocate(mach_task_self(), &shared, PAGES * vm_page_size, TRUE);
  ASSERT_RET(err, "vm_allocate");
  for (int i = 1; i < PAGES; i++)
    *(volatile int *)(shared + i * vm_page_size) = i;
  err = vm_inherit(mach_task_self(), shared, PAGES * vm_page_size,
                   VM_INHERIT_SHARE);
  ASSERT_RET(err, "vm_inherit");
  err = task_create(mach_task_self(), TRUE, &child);
  ASSERT_RET(err, "task_create");
  run_threads();
  printf("%u copies\n", made);
  return 0;
}
