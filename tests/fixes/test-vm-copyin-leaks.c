/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory goes while vm_read copies it.  What was copied must be given back.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/memory_object.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>
#include <mach/vm_statistics.h>

#include <mach.user.h>
#include <mach_port.user.h>

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

#define PAGES 256
#define GOES_AT 64

static vm_address_t memory;
static unsigned requests;

static void supply(const struct request *request)
{
  vm_offset_t data;
  int err;

  if (++requests == GOES_AT)
    {
      err = vm_deallocate(mach_task_self(), memory, PAGES * vm_page_size);
      ASSERT_RET(err, "vm_deallocate");
    }
  err = vm_allocate(mach_task_self(), &data, vm_page_size, TRUE);
  ASSERT_RET(err, "vm_allocate");
  *(int *)data = 1;
  err = memory_object_data_supply(request->control.name, request->offset,
                                  data, vm_page_size, TRUE, VM_PROT_NONE,
                                  FALSE, MACH_PORT_NULL);
  ASSERT_RET(err, "memory_object_data_supply");
}

static void pager(void *arg)
{
  mach_port_t object = (mach_port_t)(long)arg;
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
          break;
        case MEMORY_OBJECT_DATA_REQUEST:
          supply(&request);
          break;
        }
    }
}

static unsigned free_pages(void)
{
  vm_statistics_data_t statistics;
  int err;

  err = vm_statistics(mach_task_self(), &statistics);
  ASSERT_RET(err, "vm_statistics");
  return statistics.free_count;
}

/* How many pages less are free after a vm_read of memory that goes.  */
static int lost(void)
{
  mach_msg_type_number_t n;
  mach_port_t object;
  vm_offset_t copy;
  unsigned before;
  int err;

  err = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &object);
  ASSERT_RET(err, "mach_port_allocate");
  err = mach_port_insert_right(mach_task_self(), object, object,
                               MACH_MSG_TYPE_MAKE_SEND);
  ASSERT_RET(err, "mach_port_insert_right");
  test_thread_start(mach_task_self(), pager, (void *)(long)object);
  memory = 0;
  requests = 0;
  err = vm_map(mach_task_self(), &memory, PAGES * vm_page_size, 0, TRUE,
               object, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_DEFAULT,
               VM_INHERIT_COPY);
  ASSERT_RET(err, "vm_map");

  before = free_pages();
  err = vm_read(mach_task_self(), memory, PAGES * vm_page_size, &copy, &n);
  printf("vm_read: %s, %u pages were asked for\n", e2s(err), requests);
  ASSERT(err == KERN_INVALID_ADDRESS, "vm_read of memory that is gone");
  /* The object ends by itself.  */
  msleep(1000);
  return before - free_pages();
}

/* What the first one takes for good are the kernel's own tables.  */
int main(int argc, char *argv[], int envc, char *envp[])
{
  int first = lost(), second = lost();

  printf("%d pages less were free, then %d\n", first, second);
  ASSERT(second < PAGES / 2, "the copy is still there");
  return 0;
}
