/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages that are mapped twice are wired and unwired by the one mapping, and
 * loaded from by the other, while a third thread changes the map.  Nobody may
 * wait for the map with a page busy for which another waits.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/memory_object.h>
#include <mach/processor_info.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>

#include <gnumach.user.h>
#include <mach.user.h>
#include <mach_host.user.h>
#include <mach_port.user.h>

#define SECONDS 20
#define STUCK 100 /* tenths of a second */
#define THREADS 3
#define PAGES 4

/* What the messages of memory_object.defs have in common.  */
struct request
{
  mach_msg_header_t head;
  mach_msg_type_t control_type;
  union
  {
    mach_port_t name;
    vm_offset_t size;
  } control;
  mach_msg_type_t offset_type;
  vm_offset_t offset;
  char rest[256];
};

#define MEMORY_OBJECT_INIT 2200
#define MEMORY_OBJECT_DATA_REQUEST 2203

static mach_port_t object;
static vm_address_t wired, loaded, elsewhere;
static volatile bool started, stop, ended[THREADS];
static volatile unsigned calls[THREADS];

static void pager(void *arg)
{
  struct request request;
  vm_offset_t data;
  int err;

  while (1)
    {
      err = mach_msg(&request.head, MACH_RCV_MSG, 0, sizeof request, object,
                     MACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);
      ASSERT_RET(err, "mach_msg");
      switch (request.head.msgh_id)
        {
        case MEMORY_OBJECT_INIT:
          err = memory_object_ready(request.control.name, FALSE,
                                    MEMORY_OBJECT_COPY_NONE);
          ASSERT_RET(err, "memory_object_ready");
          break;
        case MEMORY_OBJECT_DATA_REQUEST:
          err = vm_allocate(mach_task_self(), &data, vm_page_size, TRUE);
          ASSERT_RET(err, "vm_allocate");
          err = memory_object_data_supply(request.control.name, request.offset,
                                          data, vm_page_size, TRUE,
                                          VM_PROT_NONE, FALSE, MACH_PORT_NULL);
          ASSERT_RET(err, "memory_object_data_supply");
          break;
        }
    }
}

static vm_address_t map(void)
{
  vm_address_t start = 0;
  int err;

  err = vm_map(mach_task_self(), &start, PAGES * vm_page_size, 0, TRUE, object,
               0, FALSE, VM_PROT_READ, VM_PROT_DEFAULT, VM_INHERIT_SHARE);
  ASSERT_RET(err, "vm_map");
  for (int i = 0; i < PAGES; i++)
    (void)*(volatile int *)(start + i * vm_page_size);
  return start;
}

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

static void wire(void)
{
  int err;

  err = vm_wire(mach_host_self(), mach_task_self(), wired,
                PAGES * vm_page_size, VM_PROT_READ);
  ASSERT_RET(err, "vm_wire");
  err = vm_wire(mach_host_self(), mach_task_self(), wired,
                PAGES * vm_page_size, VM_PROT_NONE);
  ASSERT_RET(err, "vm_wire of nothing");
}

static void protect(vm_address_t start, vm_size_t size, vm_prot_t protection)
{
  int err;

  err = vm_protect(mach_task_self(), start, size, FALSE, protection);
  ASSERT_RET(err, "vm_protect");
}

static void step(long self)
{
  if (self == 0)
    wire();
  else if (self == 1)
    {
      protect(loaded, PAGES * vm_page_size, VM_PROT_NONE);
      protect(loaded, PAGES * vm_page_size, VM_PROT_READ);
      for (int i = 0; i < PAGES; i++)
        (void)*(volatile int *)(loaded + i * vm_page_size);
    }
  else
    {
      protect(elsewhere, vm_page_size, VM_PROT_READ);
      protect(elsewhere, vm_page_size, VM_PROT_DEFAULT);
    }
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

static unsigned total(void)
{
  unsigned sum = 0;

  for (int i = 0; i < THREADS; i++)
    sum += calls[i];
  return sum;
}

/* What a stuck thread holds is the map's lock: make no call that wants it.  */
static void run_threads(void)
{
  processor_set_t other = other_cpus();
  unsigned before = 0, stuck = 0;
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
  for (int tenths = 0; tenths < SECONDS * 10; tenths++)
    {
      msleep(100);
      stuck = total() == before ? stuck + 1 : 0;
      before = total();
      ASSERT(stuck < STUCK, "the threads wait for each other");
    }
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
    ASSERT(calls[i] > 0, "a thread did not get to run");
  printf("%u calls\n", total());
}

int main(int argc, char *argv[], int envc, char *envp[])
{
  int err;

  err = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &object);
  ASSERT_RET(err, "mach_port_allocate");
  err = mach_port_insert_right(mach_task_self(), object, object,
                               MACH_MSG_TYPE_MAKE_SEND);
  ASSERT_RET(err, "mach_port_insert_right");
  test_thread_start(mach_task_self(), pager, 0);
  wired = map();
  loaded = map();
  /* So that it is not merged with what lies beside it.  */
  err = vm_allocate(mach_task_self(), &elsewhere, 3 * vm_page_size, TRUE);
  ASSERT_RET(err, "vm_allocate");
  err = vm_inherit(mach_task_self(), elsewhere + vm_page_size, vm_page_size,
                   VM_INHERIT_NONE);
  ASSERT_RET(err, "vm_inherit");
  elsewhere += vm_page_size;
  run_threads();
  return 0;
}
