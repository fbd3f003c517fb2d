/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A page that its pager does not have cannot be wired: whoever wires it is
 * told, nothing counts as wired, and nothing is to be unwired.
 */

#include <syscalls.h>
#include <testlib.h>

#include <mach/mach_types.h>
#include <mach/memory_object.h>
#include <mach/vm_inherit.h>
#include <mach/vm_prot.h>

#include <gnumach.user.h>
#include <mach.user.h>
#include <mach_host.user.h>
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

/* Of these, the pager does not have the last one.  */
#define PAGES 8

static mach_port_t object;
static volatile bool has_all;

static void answer(const struct request *request)
{
  vm_offset_t data;
  int err;

  if (request->offset == (PAGES - 1) * vm_page_size && !has_all)
    {
      err = memory_object_data_error(request->control.name, request->offset,
                                     vm_page_size, KERN_FAILURE);
      ASSERT_RET(err, "memory_object_data_error");
      return;
    }
  err = vm_allocate(mach_task_self(), &data, vm_page_size, TRUE);
  ASSERT_RET(err, "vm_allocate");
  err = memory_object_data_supply(request->control.name, request->offset,
                                  data, vm_page_size, TRUE, VM_PROT_NONE,
                                  FALSE, MACH_PORT_NULL);
  ASSERT_RET(err, "memory_object_data_supply");
}

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
          break;
        case MEMORY_OBJECT_DATA_REQUEST:
          answer(&request);
          break;
        }
    }
}

static int wired_pages(void)
{
  struct vm_statistics statistics;
  int err;

  err = vm_statistics(mach_task_self(), &statistics);
  ASSERT_RET(err, "vm_statistics");
  return statistics.wire_count;
}

static int wire(vm_address_t start, vm_prot_t access)
{
  return vm_wire(mach_host_self(), mach_task_self(), start,
                 PAGES * vm_page_size, access);
}

static void load(vm_address_t start, int pages)
{
  for (int i = 0; i < pages; i++)
    (void)*(volatile int *)(start + i * vm_page_size);
}

/* Drops the last page, whatever is in it.  */
static void flush_last(vm_address_t start)
{
  vm_size_t size;
  vm_prot_t protection, max_protection;
  vm_inherit_t inheritance;
  boolean_t is_shared;
  mach_port_t name;
  vm_offset_t offset;
  int err;

  err = vm_region(mach_task_self(), &start, &size, &protection,
                  &max_protection, &inheritance, &is_shared, &name, &offset);
  ASSERT_RET(err, "vm_region");
  err = vm_object_sync(name, (PAGES - 1) * vm_page_size, vm_page_size, TRUE,
                       FALSE, TRUE);
  ASSERT_RET(err, "vm_object_sync");
}

static void protect(vm_address_t start, vm_prot_t protection, int expected)
{
  int err;

  err = vm_protect(mach_task_self(), start, PAGES * vm_page_size, FALSE,
                   protection);
  printf("vm_protect: %s\n", e2s(err));
  ASSERT(err == expected, "vm_protect");
}

int main(int argc, char *argv[], int envc, char *envp[])
{
  vm_address_t start = 0;
  int err, before;

  err = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &object);
  ASSERT_RET(err, "mach_port_allocate");
  err = mach_port_insert_right(mach_task_self(), object, object,
                               MACH_MSG_TYPE_MAKE_SEND);
  ASSERT_RET(err, "mach_port_insert_right");
  test_thread_start(mach_task_self(), pager, 0);
  err = vm_map(mach_task_self(), &start, PAGES * vm_page_size, 0, TRUE, object,
               0, FALSE, VM_PROT_READ, VM_PROT_READ, VM_INHERIT_COPY);
  ASSERT_RET(err, "vm_map");

  /* Wiring must not wait for pages of a pager of this task, which would wait
     for the map to supply them.  To report an error does not want the map.  */
  load(start, PAGES - 1);
  before = wired_pages();
  err = wire(start, VM_PROT_READ);
  printf("vm_wire: %s, %d pages more are wired\n", e2s(err),
         wired_pages() - before);
  ASSERT(err == KERN_MEMORY_ERROR, "a page that is not there was wired");
  ASSERT(wired_pages() - before < PAGES / 2, "pages are still wired");
  err = wire(start, VM_PROT_NONE);
  ASSERT_RET(err, "vm_wire of nothing");

  /* What is wired once it may be accessed can fail then.  */
  flush_last(start);
  has_all = true;
  load(start, PAGES);
  err = wire(start, VM_PROT_READ);
  ASSERT_RET(err, "vm_wire of what is there");
  protect(start, VM_PROT_NONE, KERN_SUCCESS);
  flush_last(start);
  has_all = false;
  protect(start, VM_PROT_READ, KERN_MEMORY_ERROR);
  err = wire(start, VM_PROT_NONE);
  ASSERT_RET(err, "vm_wire of nothing");
  return 0;
}
