/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A memory object is mapped and unmapped, while another thread asks for it by
 * its name port.  Whoever looks an object up by a port, and whoever ends it,
 * must lock the port and what keeps track of all objects in one order.
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
#define THREADS 2

/* What the messages of memory_object.defs that come here have in common.  */
struct request
{
  mach_msg_header_t head;
  mach_msg_type_t control_type;
  union
  {
    mach_port_t name;
    vm_offset_t size;
  } control;
  mach_msg_type_t name_type;
  union
  {
    mach_port_t name;
    vm_offset_t size;
  } object_name;
  char rest[256];
};

#define MEMORY_OBJECT_INIT 2200
#define MEMORY_OBJECT_TERMINATE 2201

static mach_port_t object;
static volatile mach_port_t name;
static volatile unsigned made, gone; /* times that the kernel told the pager so */
static volatile bool started, stop, ended[THREADS];
static volatile unsigned calls[THREADS];

static void pager(void *arg)
{
  struct request request;
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
          made++;
          break;
        case MEMORY_OBJECT_TERMINATE:
          err = mach_port_destroy(mach_task_self(), request.control.name);
          ASSERT_RET(err, "mach_port_destroy");
          /* Its name stays, dead, as the other thread may be using it.  */
          err = mach_port_mod_refs(mach_task_self(), request.object_name.name,
                                   MACH_PORT_RIGHT_RECEIVE, -1);
          ASSERT_RET(err, "mach_port_mod_refs");
          gone++;
          break;
        }
    }
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

/* Whether the pager may take its time.  */
static void map_and_unmap(bool slowly)
{
  vm_address_t page = 0;
  vm_size_t size;
  vm_prot_t protection, max_protection;
  vm_inherit_t inheritance;
  boolean_t is_shared;
  mach_port_t its_name;
  vm_offset_t offset;
  int err;

  err = vm_map(mach_task_self(), &page, vm_page_size, 0, TRUE, object, 0,
               FALSE, VM_PROT_DEFAULT, VM_PROT_DEFAULT, VM_INHERIT_SHARE);
  ASSERT_RET(err, "vm_map");
  err = vm_region(mach_task_self(), &page, &size, &protection, &max_protection,
                  &inheritance, &is_shared, &its_name, &offset);
  ASSERT_RET(err, "vm_region");
  name = its_name;
  while (slowly && !made)
    msleep(10);
  err = vm_deallocate(mach_task_self(), page, vm_page_size);
  ASSERT_RET(err, "vm_deallocate");
  while (slowly && !gone)
    msleep(10);
}

static void step(long self)
{
  if (self == 0)
    map_and_unmap(false);
  else
    /* There may be no such object any more.  */
    vm_object_sync(name, 0, vm_page_size, FALSE, FALSE, FALSE);
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

/* Stuck threads hold locks: make no call that has to do with memory.  */
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
  /*
   * Once before the threads: vm_deallocate waits for the pager with the map
   * locked, and the pager must not want the map to touch its own memory.
   */
  map_and_unmap(true);
  run_threads();
  return 0;
}
